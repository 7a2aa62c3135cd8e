import type { Context } from '../context.ts'
import { folderPaths } from '../identity/context-folder.ts'
import { controlMethods } from './control-methods.ts'
import { serveMethods } from './control-server.ts'

/** Lets `amcp agents`, `call`, `publish` and `tap` reach an embedded context by the control socket of its folder. */
export const serveControl = (folder: string, context: Context): Promise<AsyncDisposable> =>
  serveMethods(folderPaths(folder).control, controlMethods(context))
