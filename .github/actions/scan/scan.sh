#!/usr/bin/env bash
# Scan with what the inputs say, and tell later steps about it. Ends well whatever the scan says: the last step of the
# action gives its exit status, so that the findings are uploaded before the job fails.
set -uo pipefail

arguments=(--output-dir "$INPUT_OUTPUT_DIR" --force --format github --output "sarif=$INPUT_OUTPUT_DIR/recordscan.sarif")
arguments+=(--github-summary "$INPUT_SUMMARY")
if [ -n "$INPUT_CONFIG" ]; then arguments+=(--config "$INPUT_CONFIG"); fi
if [ -n "$INPUT_WAIVERS" ]; then arguments+=(--waivers "$INPUT_WAIVERS"); fi
if [ -n "$INPUT_BASELINE" ]; then arguments+=(--baseline "$INPUT_BASELINE"); fi
if [ -n "$INPUT_FAIL_ON" ]; then arguments+=(--fail-on "$INPUT_FAIL_ON"); fi
if [ "$INPUT_FAIL_ON_NEW" = true ]; then arguments+=(--fail-on-new); fi

mkdir -p "$INPUT_OUTPUT_DIR"
# What an earlier scan left there must not pass for this one's, should this one not come to write its own.
rm -f "$INPUT_OUTPUT_DIR"/{result.json,report.html,recordscan.sarif,snapshot.jsonl.gz}
recordscan scan "${arguments[@]}"
status=$?
echo "exit-code=$status" >> "$GITHUB_OUTPUT"

result="$INPUT_OUTPUT_DIR/result.json"
if [ ! -f "$result" ]; then exit 0; fi
{
    echo "result-json=$result"
    echo "html-file=$INPUT_OUTPUT_DIR/report.html"
    echo "sarif-file=$INPUT_OUTPUT_DIR/recordscan.sarif"
} >> "$GITHUB_OUTPUT"
python - "$result" >> "$GITHUB_OUTPUT" <<'PYTHON'
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    result = json.load(file)
outcomes = [assessment["outcome"] for assessment in result["assessments"]]
planned, evaluated = result["coverage"]["planned"], result["coverage"]["evaluated"]
print(f"verdict={result['gate']['verdict']}")
print(f"failing={outcomes.count('fail')}")
print(f"unknown={outcomes.count('unknown')}")
print(f"coverage={100 * evaluated // planned if planned else 0}")
PYTHON
