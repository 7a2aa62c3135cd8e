import { AmcpError } from '../../../src/core/errors.ts'

/** The error that `run` throws. A throw of anything else goes on, and a run that throws nothing fails the test. */
export const faultOf = (run: () => unknown): AmcpError => {
  try {
    run()
  } catch (error) {
    if (error instanceof AmcpError) return error
    throw error
  }
  throw new Error('nothing was refused')
}
