// Forms, as html/fill.py explains them: all that is made is cloned from a template or is text.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u180b-\u180f\ufe00-\ufe0f\u{e0000}-\u{e0fff}\u00a0\u1680\u2000-\u200a\u202f\u205f]/gu;

const visible = (text) => text.replace(INVISIBLE, (char) =>
  "[U+" + char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "]");

const has = (value) => Array.isArray(value) ? value.length > 0 : Boolean(value);

const written = (source, scope, lines) => source.replace(/\$([a-z0-9_]+)/g, (_, name) => {
  const value = scope[name];
  if (value === undefined || value === null) return "";
  return lines ? String(value).split("\n").map(visible).join("\n") : visible(String(value));
});

const fillElement = (element, scope) => {
  for (const {name, value} of Array.from(element.attributes)) {
    if (value.includes("$")) element.setAttribute(name, written(value, scope, name === "data-copy"));
  }
  fill(element, scope);
  if (element.localName === "slot") element.replaceWith(...element.childNodes);
};

const fill = (parent, scope) => {
  for (const child of Array.from(parent.childNodes)) {
    if (child.nodeType === Node.TEXT_NODE) {
      if (child.data.includes("$")) child.data = written(child.data, scope, child.parentNode.localName === "pre");
      continue;
    }
    const {each, if: when} = child.dataset;
    child.removeAttribute("data-each");
    child.removeAttribute("data-if");
    if (when && has(scope[when.replace("!", "")]) === when.startsWith("!")) {
      child.remove();
    } else if (each) {
      for (const item of scope[each] || []) {
        const copy = child.cloneNode(true);
        child.before(copy);
        fillElement(copy, {...scope, ...(typeof item === "object" ? item : {it: item})});
      }
      child.remove();
    } else {
      fillElement(child, scope);
    }
  }
};

const form = (name, scope) => {
  const made = at("form-" + name).content.cloneNode(true);
  fill(made, scope);
  return made;
};
