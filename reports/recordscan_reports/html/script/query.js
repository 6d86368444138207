// Which checks are in view, and in which order.
const PAGE = 100;
const UNSOUND = ["fail", "unknown", "waived"];

const queryOf = (data) => {
  const {rules, subjects, checks, findings} = data;
  const outcomes = data.outcomes.map(({id}) => id);
  const fixed = {
    status: checks.column("outcome"),
    severity: checks.column("severity"),
    rule: checks.column("rule"),
    subject: checks.column("subject"),
  };
  const lower = (...texts) => texts.flat().join("\n").toLowerCase();
  const controls = (rule) => rule.controls.map(({framework, control}) => framework + " " + control);
  const own = {
    rule: rules.map((rule) => lower(rule.id)),
    title: rules.map((rule) => lower(rule.title)),
    control: rules.map((rule) => lower(controls(rule))),
    framework: rules.map((rule) => lower(rule.controls.map(({framework, id}) => [framework, id]))),
    resource: subjects.column("name").map((name, row) => lower(name, subjects(row, "uid"))),
    account: subjects.column("account").map((account) => lower(account)),
    region: subjects.column("region").map((region) => lower(region)),
  };
  const ofRule = rules.map((_, rule) => lower(own.rule[rule], own.title[rule], own.control[rule]));
  const ofSubject = own.resource.map((name, row) => lower(name, own.account[row], own.region[row]));

  // What a check says itself; most only have what their rule and subject say.
  const messages = new Map();
  const message = (row) => {
    if (!messages.has(row)) {
      const found = [checks(row, "detail"), checks(row, "reason"), checks(row, "permission"), checks(row, "accounts")];
      for (let at = 0; at < checks(row, "findings"); at += 1) {
        const finding = checks(row, "first") + at;
        found.push(findings(finding, "message"), findings(finding, "expected"), findings(finding, "observed"), findings(finding, "resources") || []);
      }
      messages.set(row, found.some(has) ? lower(found) : "");
    }
    return messages.get(row);
  };

  const within = (texts, word) => texts.map((text) => text.includes(word));
  const test = (term) => {
    const [, key, value] = /^([a-z]+):(.+)$/.exec(term) || [];
    if (key === "status" || key === "severity") return (row) => fixed[key][row].startsWith(value.replace(" ", "_"));
    if (key === "message") return (row) => message(row).includes(value);
    if (key && ["rule", "control", "framework"].includes(key)) {
      const right = within(own[key], value);
      return (row) => right[fixed.rule[row]];
    }
    if (key && ["resource", "account", "region"].includes(key)) {
      const right = within(own[key], value);
      return (row) => right[fixed.subject[row]] || (key !== "resource" ? key === "account" && checks(row, "accounts").includes(value) : message(row).includes(value));
    }
    const byRule = within(ofRule, term);
    const bySubject = within(ofSubject, term);
    return (row) => byRule[fixed.rule[row]] || bySubject[fixed.subject[row]] || message(row).includes(term);
  };

  const tests = (state) => {
    const terms = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const made = terms.map(test);
    if (!terms.some((term) => term.startsWith("status:"))) made.push((row) => state.status.has(fixed.status[row]));
    if (!terms.some((term) => term.startsWith("severity:"))) made.push((row) => state.severity.has(fixed.severity[row]));
    if (state.rule) made.push((row) => rules[fixed.rule[row]].id === state.rule);
    if (state.account) made.push((row) => subjects(fixed.subject[row], "account") === state.account);
    if (state.region) made.push((row) => subjects(fixed.subject[row], "region") === state.region);
    if (state.framework) {
      const right = rules.map((rule) => rule.controls.some(({framework}) => framework === state.framework));
      made.push((row) => right[fixed.rule[row]]);
    }
    return made;
  };

  const keys = {
    status: (row) => outcomes.indexOf(fixed.status[row]),
    severity: (row) => data.severities.indexOf(fixed.severity[row]),
    rule: (row) => rules[fixed.rule[row]].id,
    resource: (row) => subjects(fixed.subject[row], "name"),
  };

  const groups = {
    rule: (row) => [rules[fixed.rule[row]].title],
    resource: (row) => [subjects(fixed.subject[row], "name")],
    control: (row, {framework}) => {
      const found = rules[fixed.rule[row]].controls.filter((control) => !framework || control.framework === framework);
      return found.length ? found.map((control) => control.framework + " " + control.control) : ["No control"];
    },
  };

  const grouped = (rows, state) => {
    const found = new Map();
    for (const row of rows) {
      for (const name of new Set(groups[state.group](row, state))) {
        if (!found.has(name)) found.set(name, []);
        found.get(name).push(row);
      }
    }
    const names = Array.from(found.keys());
    if (state.group !== "rule") names.sort((a, b) => a.localeCompare(b, "en", {numeric: true}));
    return names.flatMap((name) => found.get(name).map((row) => ({row, group: name, size: found.get(name).length})));
  };

  // The checks in view: {row, and with grouping the name and size of its group}. A check can be in several groups.
  const view = (state) => {
    const wanted = tests(state);
    const rows = [];
    for (let row = 0; row < checks.size; row += 1) if (wanted.every((right) => right(row))) rows.push(row);
    if (state.sort) {
      const key = new Map(rows.map((row) => [row, keys[state.sort](row)]));
      const turn = state.down ? -1 : 1;
      rows.sort((a, b) => (key.get(a) < key.get(b) ? -turn : key.get(a) > key.get(b) ? turn : a - b));
    }
    return state.group ? grouped(rows, state) : rows.map((row) => ({row}));
  };

  // What of a search can find nothing, in a sentence; "" where nothing is odd. A colon may also be one of an ARN.
  const places = ["status", "severity", "message", ...Object.keys(own).filter((name) => name !== "title")];
  const hint = (state) => {
    const said = [];
    for (const term of state.q.toLowerCase().split(/\s+/)) {
      const [, key, value] = /^([a-z]+):(.+)$/.exec(term) || [];
      const values = {status: outcomes, severity: data.severities}[key];
      if (key && !places.includes(key)) said.push("No place is called " + key + "; there are " + places.join(", ") + ".");
      if (values && !values.some((one) => one.startsWith(value.replace(" ", "_")))) said.push("No " + key + " begins with " + value + "; there are " + values.join(", ") + ".");
      if (term.includes('"')) said.push("Quotes are searched for as they stand; leave them out.");
    }
    return said.join(" ");
  };

  const different = (values) => Array.from(new Set(values)).filter(Boolean).sort();
  const choices = {
    rule: () => different(rules.map(({id}) => id)),
    account: () => different(subjects.column("account")),
    region: () => different(subjects.column("region")),
    framework: () => different(rules.flatMap((rule) => rule.controls.map(({framework}) => framework))),
  };
  return {view, choices, hint, total: checks.size};
};
