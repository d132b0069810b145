/** How many cases a property looks at: `usual`, or as many times that as CONCORDAT_PROPERTY_FACTOR says, for long searches. */
export function propertyRuns(usual: number): { readonly numRuns: number } {
  return { numRuns: Math.ceil(usual * Number(process.env['CONCORDAT_PROPERTY_FACTOR'] ?? 1)) };
}
