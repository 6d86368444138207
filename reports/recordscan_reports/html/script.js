
"use strict";
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const checks = all(".check");
  const groups = all(".group");
  const words = new Map();
  const box = document.querySelector(".filter");
  const search = document.getElementById("filter-text");
  const shown = document.getElementById("filter-count");
  const boxes = all("input[type=checkbox]", box);

  const wordsOf = (check) => {
    if (!words.has(check)) words.set(check, check.textContent.toLowerCase());
    return words.get(check);
  };

  const filter = () => {
    const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const off = new Set(boxes.filter((one) => !one.checked).map((one) => one.name + ":" + one.value));
    let number = 0;
    for (const check of checks) {
      const wanted = !off.has("outcome:" + check.dataset.outcome) && !off.has("severity:" + check.dataset.severity)
        && terms.every((term) => wordsOf(check).includes(term));
      check.classList.toggle("filtered-out", !wanted);
      if (wanted) number += 1;
    }
    for (const group of groups) {
      const inside = all(".check", group);
      group.classList.toggle("filtered-out", inside.length > 0 && inside.every((check) => check.classList.contains("filtered-out")));
    }
    shown.textContent = number + " of " + checks.length + " checks shown";
  };

  const clear = () => {
    search.value = "";
    for (const one of boxes) one.checked = true;
    filter();
  };

  const openAround = (element) => {
    for (let at = element; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  };

  const follow = () => {
    let name = location.hash.slice(1);
    try { name = decodeURIComponent(name); } catch { return; }
    const target = name && document.getElementById(name);
    if (!target) return;
    if (target.closest(".filtered-out")) clear();
    openAround(target);
    const check = target.closest("article.check");
    if (check) for (const fold of all("details", check)) fold.open = true;
    target.scrollIntoView({behavior: "instant"});
  };

  const copy = async (button) => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.firstChild.textContent = "Copied";
      setTimeout(() => { button.firstChild.textContent = "Copy"; }, 2000);
    } catch {
      getSelection().selectAllChildren(button.parentElement.querySelector("code"));
    }
  };

  const setAll = (open) => {
    for (const fold of all("main details")) if (!fold.closest(".filtered-out")) fold.open = open;
  };

  search.addEventListener("input", filter);
  for (const one of boxes) one.addEventListener("change", filter);
  document.getElementById("filter-clear").addEventListener("click", clear);
  document.getElementById("expand").addEventListener("click", () => setAll(true));
  document.getElementById("collapse").addEventListener("click", () => setAll(false));
  for (const button of all("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const fold of closed) fold.open = true;
  });
  addEventListener("afterprint", () => { for (const fold of closed) fold.open = false; });
  addEventListener("hashchange", follow);
  box.hidden = false;
  filter();
  follow();
})();
