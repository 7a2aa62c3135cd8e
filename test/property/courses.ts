/**
 * How many random courses a property of whole contexts runs, and from which seed: the same ones in every test run, so that
 * it fails or passes by the code alone; new ones in the long proofs (`npm run prove`), which set `FREE_SEED`.
 */
export const courses = (variable: string, byDefault: number): { numRuns: number; seed?: number } => ({
  numRuns: Number(process.env[variable] ?? byDefault),
  ...(process.env['FREE_SEED'] === undefined ? { seed: 7 } : {}),
})
