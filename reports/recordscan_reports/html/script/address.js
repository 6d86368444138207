// What is in view as the part of the address after "#", so that it can be linked, reloaded and gone back to.
const SEVERITIES = ["critical", "high", "medium", "low", "info"];
const PLAIN = ["q", "rule", "account", "region", "framework", "group", "sort"];

const start = () => ({
  q: "", rule: "", account: "", region: "", framework: "", group: "", sort: "", down: false, page: 1,
  status: new Set(UNSOUND), severity: new Set(SEVERITIES),
});

const addressOf = (state) => {
  const parts = new URLSearchParams();
  for (const name of PLAIN) if (state[name]) parts.set(name, state[name]);
  if (state.down) parts.set("down", "1");
  for (const [name, usual] of [["status", UNSOUND], ["severity", SEVERITIES]]) {
    const chosen = Array.from(state[name]);
    if (chosen.length !== usual.length || !usual.every((value) => state[name].has(value))) parts.set(name, chosen.join(","));
  }
  if (state.page > 1) parts.set("page", state.page);
  return parts.toString() || "all=1";
};

const stateOf = (address) => {
  const parts = new URLSearchParams(address);
  const state = start();
  for (const name of PLAIN) state[name] = parts.get(name) || "";
  if (!["rule", "resource", "control"].includes(state.group)) state.group = "";
  if (!["status", "severity", "rule", "resource"].includes(state.sort)) state.sort = "";
  state.down = parts.has("down");
  for (const name of ["status", "severity"]) if (parts.has(name)) state[name] = new Set(parts.get(name).split(",").filter(Boolean));
  state.page = Math.max(1, parseInt(parts.get("page"), 10) || 1);
  return state;
};
