// An answer as lines of JSON with the cited places, as html/excerpt.py makes them. Numbers stay as they are written.
const CONTEXT = 3;
const LONGEST = 4000;
const NOTHING = {left_out: "", indent: "", text: "", comma: "", decisive: false, inside: false, plain: false, missing: []};

const exact = (key, value, seen) =>
  typeof value === "number" && seen && JSON.rawJSON ? JSON.rawJSON(seen.source) : value;

const isLeaf = (value, depth) => value === null || typeof value !== "object" || depth >= 60
  || Boolean(JSON.isRawJSON && JSON.isRawJSON(value)) || Object.keys(value).length === 0;

const answer = (text) => {
  const lines = [];
  const places = new Map();
  const append = (value, pointer, key, comma, depth) => {
    const first = lines.length;
    const indent = "  ".repeat(depth);
    if (isLeaf(value, depth)) {
      lines.push([indent, key + JSON.stringify(value), comma]);
    } else {
      const list = Array.isArray(value);
      lines.push([indent, key + (list ? "[" : "{"), ""]);
      const names = list ? Array.from(value.keys()) : Object.keys(value).sort();
      names.forEach((name, number) => append(
        value[name],
        pointer + "/" + String(name).replaceAll("~", "~0").replaceAll("/", "~1"),
        list ? "" : JSON.stringify(name) + ": ",
        number + 1 < names.length ? "," : "",
        depth + 1,
      ));
      lines.push([indent, list ? "]" : "}", comma]);
    }
    places.set(pointer, [first, lines.length - 1]);
  };
  append(JSON.parse(text, exact), "", "", "", 0);
  return {lines, places};
};

const excerpt = ({lines, places}, pointers, limit) => {
  const cited = new Map();
  const missing = new Map();
  const inside = new Set();
  for (const pointer of pointers) {
    let place = pointer;
    while (!places.has(place)) place = place.slice(0, Math.max(0, place.lastIndexOf("/")));
    const [first, last] = places.get(place);
    const absent = pointer.slice(place.length).replace(/^\/+/, "").replaceAll("~1", "/").replaceAll("~0", "~");
    if (absent) missing.set(first, [...(missing.get(first) || []), absent]);
    else cited.set(first, Math.max(last, cited.get(first) || first));
  }
  for (const [first, last] of cited) for (let line = first + 1; line <= last; line += 1) inside.add(line);

  let wanted = new Set();
  const marked = Array.from(new Set([...cited.keys(), ...missing.keys(), ...inside])).sort((a, b) => a - b);
  if (lines.length <= limit || marked.length === 0) {
    wanted = new Set(Array.from(lines.keys()).slice(0, limit));
  } else {
    for (const line of marked) {
      for (let near = Math.max(0, line - CONTEXT); near <= Math.min(lines.length - 1, line + CONTEXT); near += 1) wanted.add(near);
      if (wanted.size >= limit) break;
    }
  }

  const shown = [];
  const gap = (number) => { if (number > 0) shown.push({...NOTHING, left_out: count(number, "line")}); };
  let before = -1;
  for (const line of Array.from(wanted).sort((a, b) => a - b)) {
    gap(line - before - 1);
    const [indent, text, comma] = lines[line];
    const decisive = cited.has(line);
    shown.push({
      ...NOTHING, indent, comma, decisive,
      text: text.length <= LONGEST ? text : text.slice(0, LONGEST) + "… (" + (text.length - LONGEST).toLocaleString("en") + " more characters)",
      inside: inside.has(line) && !decisive,
      plain: !inside.has(line) && !decisive,
      missing: missing.get(line) || [],
    });
    before = line;
  }
  gap(lines.length - before - 1);
  return shown;
};
