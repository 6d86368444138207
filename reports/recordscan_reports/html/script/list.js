// The list of checks, a page at a time, and that of the evidence.
const button = (text, press, attributes = {}) => {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.addEventListener("click", press);
  return made;
};

const pager = (box, page, pages, go) => {
  const turn = (text, to) => {
    const made = button(text, () => go(to));
    made.disabled = to < 1 || to > pages || to === page;
    return made;
  };
  const words = document.createElement("span");
  words.textContent = "Page " + page.toLocaleString("en") + " of " + pages.toLocaleString("en");
  box.replaceChildren(turn("First", 1), turn("Previous", page - 1), words, turn("Next", page + 1), turn("Last", pages));
  box.hidden = pages < 2;
};

// Of grouped checks the first of each group.
const firstOfGroups = (items, most) => {
  const seen = new Map();
  return items.filter(({group}) => {
    seen.set(group, (seen.get(group) || 0) + 1);
    return seen.get(group) <= most;
  });
};

const listOf = (data, scopes, query) => {
  const list = document.querySelector("table.checks");
  const rowOf = new WeakMap();
  let state = start();
  let view = [];
  let changed = () => {};

  const groupHead = ({group, size}) => {
    const body = document.createElement("tbody");
    const cell = document.createElement("th");
    cell.colSpan = 4;
    cell.scope = "rowgroup";
    cell.textContent = visible(group) + " ";
    const number = document.createElement("span");
    number.className = "number";
    number.textContent = count(size, "check");
    cell.append(number);
    body.className = "group";
    body.append(document.createElement("tr"));
    body.firstChild.append(cell);
    return body;
  };

  const show = (items) => {
    for (const body of Array.from(list.tBodies)) body.remove();
    const made = document.createDocumentFragment();
    let group;
    for (const item of items) {
      if (item.group !== undefined && item.group !== group) made.append(groupHead(item));
      group = item.group;
      const piece = form("check", scopes.check(item.row));
      const body = piece.querySelector("tbody");
      rowOf.set(body, item.row);
      made.append(body);
    }
    if (items.length === 0) {
      const body = document.createElement("tbody");
      const cell = body.appendChild(document.createElement("tr")).appendChild(document.createElement("td"));
      cell.colSpan = 4;
      cell.className = "none";
      cell.textContent = "No check is in view.";
      made.append(body);
    }
    list.append(made);
    for (const twin of all("tbody.check", list)) if (at(twin.id) !== twin) twin.removeAttribute("id");
  };

  const open = (body) => {
    const fold = body.querySelector("details");
    const place = fold.querySelector(".detail");
    if (!place.firstElementChild) place.append(form("detail", scopes.detail(rowOf.get(body))));
    if (!body.id) for (const twin of all("[id]", body)) twin.removeAttribute("id");
    fold.open = true;
    return fold;
  };

  const render = () => {
    const pages = Math.max(1, Math.ceil(view.length / PAGE));
    state.page = Math.min(state.page, pages);
    show(view.slice((state.page - 1) * PAGE, state.page * PAGE));
    pager(at("pages"), state.page, pages, (page) => {
      update({page}, true);
      at("findings").scrollIntoView({behavior: "instant"});
      at("findings").focus({preventScroll: true});
    });
    const number = new Set(view.map(({row}) => row)).size;
    at("count").textContent = number.toLocaleString("en") + " of " + count(query.total, "check") + " in view"
      + (pages > 1 ? ", page " + state.page.toLocaleString("en") + " of " + pages.toLocaleString("en") : "")
      + (!number && query.hint(state) ? ". " + query.hint(state) : "");
  };

  const set = (next) => {
    state = next;
    view = query.view(state);
    render();
    changed(state);
  };

  // A change by the reader: it goes to the address, too; as a new entry of the history where it is a step of its own.
  const update = (change, step) => {
    set({...state, page: 1, ...change});
    history[step ? "pushState" : "replaceState"](null, "", "#" + addressOf(state));
  };

  const reveal = (row, name) => {
    let place = view.findIndex((item) => item.row === row);
    if (place < 0) {
      const next = start();
      next.status.add(data.checks(row, "outcome"));
      set(next);
      place = view.findIndex((item) => item.row === row);
    }
    const page = Math.floor(place / PAGE) + 1;
    if (page !== state.page || !list.querySelector("tbody.check")) set({...state, page});
    const body = all("tbody.check", list).find((one) => rowOf.get(one) === row);
    const fold = open(body);
    for (const inner of all("details", fold)) inner.open = true;
    for (const one of all(".shown", list)) one.classList.remove("shown");
    body.classList.add("shown");
    (at(name) || body).scrollIntoView({behavior: "instant"});
    fold.querySelector("summary").focus({preventScroll: true});
  };

  return {
    set, update, open, show, render, reveal,
    get state() { return state; },
    get rows() { return Array.from(new Set(view.map(({row}) => row))); },
    onChange: (does) => { changed = does; },
    bodies: () => all("tbody.check", list),
  };
};

const exhibitsOf = (data, scopes) => {
  const box = at("exhibits");
  const rowOf = new WeakMap();
  const total = data.evidence.size;
  let page = 0;

  const go = (to, size = PAGE) => {
    page = to;
    const made = document.createDocumentFragment();
    for (let row = (page - 1) * size; row < Math.min(total, page * size); row += 1) {
      const piece = form("exhibit", scopes.exhibit(row));
      rowOf.set(piece.querySelector("details"), row);
      made.append(piece);
    }
    box.replaceChildren(made);
    pager(at("exhibit-pages"), page, Math.max(1, Math.ceil(total / size)), (to_) => { go(to_); at("evidence").scrollIntoView(); });
  };
  const open = (fold) => {
    const place = fold.querySelector(".line-body");
    if (!place.firstElementChild) place.append(form("exhibited", scopes.exhibited(rowOf.get(fold))));
    fold.open = true;
  };
  const reveal = (id) => {
    const row = data.evidence.find("id", id);
    if (row < 0) return;
    go(Math.floor(row / PAGE) + 1);
    open(at(id));
    at(id).scrollIntoView({behavior: "instant"});
    at(id).querySelector("summary").focus({preventScroll: true});
  };
  box.hidden = total === 0;
  go(1);
  return {open, reveal, go};
};
