/** Resolves when the present turn of the real event loop, with all its promises, is over. */
export function realTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
