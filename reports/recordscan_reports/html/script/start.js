// Everything starts here; without this the page is what a browser without script shows.
const PRINTED = 200;  // checks that are printed with all that explains them; of more only the names, by rule
const PRINTED_OF_GROUP = 50;

const begin = async () => {
  const raw = await read(at("data-checks"));
  const data = {...raw};
  for (const name of ["subjects", "checks", "findings", "evidence"]) data[name] = table(raw[name], raw.texts);
  let stored = at("data-answers").type === "application/json" ? null : await read(at("data-answers"));
  const answers = () => (stored = stored || JSON.parse(at("data-answers").textContent));
  const scopes = scopesOf(data, answers);
  const query = queryOf(data);
  const list = listOf(data, scopes, query);
  const exhibits = exhibitsOf(data, scopes);
  const filter = document.querySelector(".filter");

  const openRule = (place) => {
    const rule = data.rules.find(({id}) => id === place.dataset.rule);
    const unscripted = place.querySelector("noscript");
    if (rule && unscripted) unscripted.replaceWith(form("rule", scopes.rule(rule)));
  };

  const follow = () => {
    let name = location.hash.slice(1);
    try { name = decodeURIComponent(name); } catch { return; }
    if (name === "" || name.includes("=")) {
      list.set(stateOf(location.hash.slice(1)));
      return;
    }
    if (name.startsWith("f-")) {
      const sum = name.slice(2);
      let row = data.checks.find("fingerprint", sum);
      if (row < 0) {
        const found = data.findings.find("fingerprint", sum);
        if (found >= 0) row = data.checks.column("first").findIndex((first, at) => first <= found && found < first + data.checks(at, "findings"));
      }
      if (row >= 0) list.reveal(row, name);
      return;
    }
    if (data.evidence.find("id", name) >= 0) exhibits.reveal(name);
    const target = at(name);
    if (!target) return;
    for (let around = target; around; around = around.parentElement) if (around.localName === "details") around.open = true;
    if (target.dataset.rule) openRule(target);
    target.scrollIntoView({behavior: "instant"});
  };

  // The controls show the state, and change it.
  const boxes = all("input[type=checkbox]", filter);
  const selects = all("select", filter);
  for (const select of selects) {
    const choices = query.choices[select.id];
    if (choices && !choices().length) select.closest(".field").hidden = true;
    for (const value of choices ? choices() : []) {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = visible(value);
      select.append(option);
    }
    select.addEventListener("change", () => list.update({[select.id]: select.value}, true));
  }
  for (const box of boxes) {
    box.addEventListener("change", () => {
      const chosen = boxes.filter((one) => one.name === box.name && one.checked).map((one) => one.value);
      list.update({[box.name]: new Set(chosen)}, true);
    });
  }
  at("q").addEventListener("input", () => list.update({q: at("q").value}, false));
  const heads = all("table.checks thead th").map((head) => {
    const name = head.className.slice(3);
    const pressed = button(head.textContent, () => {
      const {sort, down} = list.state;
      list.update(sort !== name ? {sort: name, down: false} : down ? {sort: "", down: false} : {down: true}, true);
    });
    head.replaceChildren(pressed);
    return {head, name};
  });
  list.onChange((state) => {
    if (at("q").value !== state.q) at("q").value = state.q;
    for (const box of boxes) box.checked = state[box.name].has(box.value);
    for (const select of selects) select.value = state[select.id];
    for (const {head, name} of heads) {
      if (state.sort === name) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  });
  at("clear").addEventListener("click", () => list.update(start(), true));
  at("expand").addEventListener("click", () => list.bodies().forEach(list.open));
  at("collapse").addEventListener("click", () => { for (const body of list.bodies()) body.querySelector("details").open = false; });
  at("csv").addEventListener("click", () => download("recordscan-view.csv", csvOf(data, list.rows)));
  at("link").addEventListener("click", () => copy(location.href.split("#")[0] + "#" + addressOf(list.state), at("link")));
  at("verify").addEventListener("click", async () => {
    at("verified").textContent = "Computing…";
    at("verified").textContent = await verify(data, answers);
  });

  addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-copy], [data-link]");
    if (pressed) copy(pressed.dataset.copy || location.href.split("#")[0] + "#f-" + pressed.dataset.link, pressed);
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) setTimeout(follow);
  });
  addEventListener("toggle", ({target}) => {
    if (!target.open) return;
    const body = target.closest("tbody.check");
    const rule = target.querySelector("[data-rule]");
    if (body && target.parentElement.closest("details") === null) list.open(body);
    else if (target.classList.contains("exhibit")) exhibits.open(target);
    else if (rule) openRule(rule);
  }, true);
  addEventListener("hashchange", follow);

  // Print shows the checks that did not pass, whatever is in view.
  let folded = [];
  const annex = at("annex");
  addEventListener("beforeprint", () => {
    const unsound = query.view(start());
    const brief = unsound.length > PRINTED;
    if (brief) list.show(firstOfGroups(query.view({...start(), group: "rule"}), PRINTED_OF_GROUP));
    else list.show(unsound);
    if (annex) annex.hidden = !brief;
    if (!brief) list.bodies().forEach(list.open);
    all("[data-rule]").forEach(openRule);
    exhibits.go(1, 5 * PAGE);
    folded = all("details:not([open])").filter((fold) => !fold.matches(brief ? ".exhibit, .checks details" : ".exhibit"));
    for (const fold of folded) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of folded) fold.open = false;
    if (annex) annex.hidden = true;
    list.render();
    exhibits.go(1);
  });

  for (const link of all("a[data-view]")) link.setAttribute("href", "#" + link.dataset.view);
  for (const hidden of [filter, ...all(".scripted"), document.querySelector(".verify")]) hidden.hidden = false;
  const unlisted = at("unlisted");
  if (unlisted) unlisted.hidden = true;
  follow();
  if (list.bodies().length === 0 || !list.bodies()[0].querySelector(".detail") || document.querySelector("table.checks noscript")) list.set(list.state);
  document.documentElement.dataset.ready = "";
  performance.mark("ready");
};

begin();
