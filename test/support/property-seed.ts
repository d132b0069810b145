/** The seed of all properties, where CONCORDAT_PROPERTY_SEED names one; else each run takes its own and prints it when it fails. */
const seed = process.env['CONCORDAT_PROPERTY_SEED'];
if (seed !== undefined && seed !== '') {
  const { default: fc } = await import('fast-check');
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
}
