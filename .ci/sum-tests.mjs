/**
 * What failed, by name, and the sums of vitest's JSON reports as one plain line, the last of the run. Exits 1 where a test
 * failed, none ran, or a report is missing: a run that ended before it could report has not passed.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** Enough to see what was wrong where the rest of the output is cut. */
const excerpt = (text) =>
  String(text ?? '')
    .slice(0, 1200)
    .split('\n')
    .slice(0, 12)
    .map((line) => `    ${line}`)
    .join('\n');

let [passed, failed, skipped] = [0, 0, 0];
for (const file of process.argv.slice(2)) {
  let report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    console.log(`no report of tests: ${error.message}`);
    failed += 1;
    continue;
  }
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped += report.numPendingTests + report.numTodoTests;
  for (const { name, status, message, assertionResults } of report.testResults) {
    const wrong = assertionResults.filter((test) => test.status === 'failed');
    const place = relative(process.cwd(), name);
    for (const test of wrong)
      console.log(`failed: ${place}: ${test.fullName}\n${excerpt(test.failureMessages.join('\n'))}`);
    // A file that cannot be loaded has no tests to fail.
    if (status !== 'failed' || wrong.length > 0) continue;
    failed += 1;
    console.log(`failed: ${place}\n${excerpt(message)}`);
  }
  if (report.numPassedTests === 0) {
    console.log(`no test passed in ${file}`);
    failed += 1;
  }
}
console.log(`tests: ${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
