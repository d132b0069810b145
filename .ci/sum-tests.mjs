/**
 * The sums of vitest's JSON reports as one plain line, the last of the run. Exits 1 where a test failed, none ran, or a
 * report is missing: a run that ended before it could report has not passed.
 */
import { readFileSync } from 'node:fs';

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
  // A file that cannot be loaded has no tests to fail.
  failed += report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length;
  if (report.numPassedTests === 0) {
    console.log(`no test passed in ${file}`);
    failed += 1;
  }
}
console.log(`tests: ${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
