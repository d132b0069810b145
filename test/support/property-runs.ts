/** How many cases a property looks at. CONCORDAT_PROPERTY_FACTOR multiplies all of them, for long searches. */
const factor = Number(process.env['CONCORDAT_PROPERTY_FACTOR'] ?? 1);

/** `usual`, everywhere. */
export function propertyRuns(usual: number): { readonly numRuns: number } {
  return { numRuns: Math.ceil(usual * factor) };
}

/** `full` where CONCORDAT_PROPERTIES is `full`, as in .ci/run, else a fifth of it: for properties that take seconds. */
export function fullRuns(full: number): { readonly numRuns: number } {
  const share = process.env['CONCORDAT_PROPERTIES'] === 'full' ? 1 : 5;
  return { numRuns: Math.ceil((full / share) * factor) };
}

/** So many as the variable says, as in .ci/run, else `usual`. */
export function runsOf(variable: string, usual: number): { readonly numRuns: number } {
  return { numRuns: Math.ceil(Number(process.env[variable] ?? usual) * factor) };
}
