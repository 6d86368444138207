// What stands in the forms, as html/scopes.py makes it.
const PROOFS = 20;
const RESOURCES = 20;
const EXCERPT = 24;
const WHOLE = 400;

const count = (number, noun, plural) => number.toLocaleString("en") + " " + (number === 1 ? noun : plural || noun + "s");
const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
const sentence = (text) => /^[a-z]+$/.test(text.split(" ", 1)[0]) ? capital(text) : text;

const moment = (time) => {
  const parts = /^([^T]*)T(.*)Z$/.exec(time);
  return parts ? parts[1] + " " + parts[2].slice(0, 8) + " UTC" : time;
};

const today = (days) => new Date(Date.now() + days * 86400000).toISOString().slice(0, 10);

// What `recordscan waivers add` prints.
const stub = (rule, fingerprint, severity, kind, what) => `[[waivers]]
# ${visible(what)}
id = ""                        # a name of its own, such as "WV-${today(0).slice(0, 4)}-001"
rule = "${rule}"
match = { fingerprint = "${fingerprint}" }
severity_at_most = "${severity}"
kind = "${kind}"
reason = ""                    # why this is acceptable, in a sentence
owner = ""                     # who answers for it
requested_by = ""
approved_by = ""               # somebody else
created = ${today(0)}
expires = ${today(90)}
`;

const scopesOf = (data, answers) => {
  const {rules, subjects, checks, findings, evidence, waivers} = data;

  const lines = (number, pointers, limit) => {
    const made = answer(answers()[number - 1]);
    return {lines: excerpt(made, pointers, limit), length: count(made.lines.length, "line")};
  };

  const observation = (row) => {
    const found = evidence.row(row);
    return {
      ...found,
      moment: moment(found.time),
      answered: found.outcome === "answered",
      unanswered: found.outcome !== "answered",
      absent: found.outcome === "absent",
      failed: found.outcome === "failed",
      code: found.error || "no code",
      live: true,
    };
  };

  const proof = (row, pointers) => {
    const found = observation(row);
    const shown = found.answered && pointers ? lines(found.answer, pointers, EXCERPT) : {lines: []};
    return {...found, ...shown, decisive: Boolean(pointers), other: !pointers, whole: found.answered && pointers && !pointers.length};
  };

  const check = (row) => {
    const outcome = data.outcomes.find(({id}) => id === checks(row, "outcome"));
    return {
      outcome: outcome.id,
      shape: outcome.shape,
      word: outcome.word,
      fingerprint: checks(row, "fingerprint"),
      severity: checks(row, "severity"),
      level: capital(checks(row, "severity")),
      rule: rules[checks(row, "rule")].id,
      subject: subjects(checks(row, "subject"), "name"),
      summary: checks(row, "summary"),
      body: "",
    };
  };

  const finding = (row, number, total, rule) => {
    const found = findings.row(row);
    return {
      ...found, number, total,
      several: total > 1,
      level: capital(found.severity),
      compared: found.expected || found.observed,
      resources: found.resources.slice(0, RESOURCES),
      more: Math.max(0, found.resources.length - RESOURCES),
      age: capital(found.age),
      waived: waivers[found.waiver],
      stub: stub(rule.id, found.fingerprint, found.severity, "risk_accepted", found.message),
    };
  };

  const detail = (row) => {
    const found = checks.row(row);
    const rule = rules[found.rule];
    const subject = subjects.row(found.subject);
    const unknown = found.outcome === "unknown";
    const decisive = found.decisive;
    return {
      ...subject,
      live: true,
      title: rule.title,
      rule: rule.id,
      kind: sentence(subject.kind),
      subject: subject.name,
      accounts: found.accounts,
      reason: unknown && (found.reason || "No reason given"),
      detail: found.detail,
      remark: !unknown && found.detail && sentence(found.detail) + ".",
      permission: found.permission,
      waiver: found.waiver,
      waived: waivers[found.waiver],
      findings: Array.from({length: found.findings}, (_, number) => finding(found.first + number, number + 1, found.findings, rule)),
      fingerprint: found.fingerprint,
      stub: unknown && stub(rule.id, found.fingerprint, found.severity, "accept_gap", found.detail),
      mend: found.outcome === "fail" || found.outcome === "waived",
      remediation: rule.remediation,
      by_hand: found.by_hand,
      steps: (found.steps || []).map(([does, command, ...warnings], number) => ({number: number + 1, does, command, warnings})),
      step_count: count((found.steps || []).length, "step"),
      applies_not: found.outcome === "not_applicable",
      proofs: (found.proofs || []).slice(0, PROOFS).map((number, place) => proof(number, place < decisive && (found.pointers || [])[place])),
      proof_some: has(found.proofs),
      proof_count: count((found.proofs || []).length, "answer"),
      proofs_left_out: (found.proofs || []).length > PROOFS && count(found.proofs.length - PROOFS, "more answer"),
      controls: rule.controls,
      references: rule.references,
    };
  };

  const exhibit = (row) => {
    const found = observation(row);
    return {
      ...found,
      body: "",
      where: [found.account, found.region].filter(Boolean).join(", "),
      outcome: {answered: "answered", absent: "there is none", failed: "failed"}[found.outcome] || found.outcome,
      cited: count(found.cited, "check"),
    };
  };

  const exhibited = (row) => {
    const found = observation(row);
    const cited = new Set();
    for (let number = 0; found.answered && number < checks.size; number += 1) {
      const place = (checks(number, "proofs") || []).indexOf(row);
      if (place >= 0 && place < checks(number, "decisive")) for (const pointer of checks(number, "pointers")[place]) cited.add(pointer);
    }
    return {...found, ...(found.answered ? lines(found.answer, cited, WHOLE) : {})};
  };

  return {check, detail, exhibit, exhibited, rule: (rule) => ({...rule, level: capital(rule.severity), live: true})};
};
