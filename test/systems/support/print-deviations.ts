/** Prints, once after all system tests, in what the systems differ from their clouds: what these tests cannot show. */
import { deviationTable } from '../deviations.js';

export function setup(): () => void {
  return () => {
    process.stdout.write(`\nWhere the systems of these tests differ from their clouds:\n${deviationTable()}\n`);
  };
}
