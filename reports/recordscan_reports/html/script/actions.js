// Copying, the CSV of the view, and the verification of the data.
const copy = async (text, pressed) => {
  const said = pressed.firstChild;
  const before = said.data;
  try {
    await navigator.clipboard.writeText(text);
    said.data = "Copied";
  } catch {
    said.data = "Not allowed by the browser";
  }
  setTimeout(() => { said.data = before; }, 2000);
};

const FORMULA = /^(?:[\s\0]*[=+\-@＝＋－＠]|\s*[\t\r\n\0])/;
const CELL = 32000;
const COLUMNS = [
  "status", "severity", "rule_id", "title", "message", "expected", "observed", "reason", "permission", "resource_type",
  "resource_name", "target", "account", "region", "resource_uid", "controls", "evidence_sha256", "fingerprint",
];

// A cell that no spreadsheet takes for a formula, as recordscan_reports/csv_checks.py makes it.
const cell = (value) => {
  let text = visible(value === undefined || value === null ? "" : String(value));
  if (text.length > CELL) text = text.slice(0, CELL - 1) + "…";
  if (FORMULA.test(text)) text = "'" + text;
  return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
};

const csvOf = (data, rows) => {
  const lines = [COLUMNS];
  for (const row of rows) {
    const check = data.checks.row(row);
    const rule = data.rules[check.rule];
    const subject = data.subjects.row(check.subject);
    const found = Array.from({length: check.findings}, (_, at) => data.findings.row(check.first + at));
    const joined = (name) => found.map((finding) => finding[name]).filter(has).join("; ");
    lines.push([
      check.outcome, check.severity, rule.id, rule.title, found.length ? joined("message") : check.detail,
      joined("expected"), joined("observed"), check.reason, check.permission, subject.kind, subject.name, subject.uid,
      subject.account, subject.region, found.flatMap((finding) => finding.resources || []).join(" "),
      rule.controls.map((one) => one.framework + " " + one.control + " (" + one.mark + ")").join("; "),
      (check.proofs || []).map((number) => data.evidence(number, "sha256")).join(" "), check.fingerprint,
    ]);
  }
  return lines.map((line) => line.map(cell).join(",") + "\r\n").join("");
};

const download = (name, text) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "text/csv;charset=utf-8"}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};

const digest = async (text) => hexadecimal(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));

const verify = async (data, answers) => {
  const wrong = [];
  for (const block of all("script[data-sha256]")) {
    if (await digest(block.textContent) !== block.dataset.sha256) wrong.push("the block " + block.id);
  }
  const checked = new Set();
  for (let row = 0; row < data.evidence.size; row += 1) {
    const number = data.evidence(row, "answer");
    if (!number || checked.has(number)) continue;
    checked.add(number);
    if (await digest(answers()[number - 1]) !== data.evidence(row, "sha256")) wrong.push("the answer " + data.evidence(row, "id"));
  }
  const limits = " This finds accidents. Who changes the data can change the sums, too: the signature of the bundle finds that.";
  return wrong.length
    ? "Not as written: " + wrong.slice(0, 5).join(", ") + (wrong.length > 5 ? " and " + (wrong.length - 5) + " more" : "") + "." + limits
    : "The data and " + count(checked.size, "answer") + " have the SHA-256 sums that they were written with." + limits;
};
