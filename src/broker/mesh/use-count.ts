/** Counts uses, cheaply, and tells whether there were any since it was asked last. */
export class UseCount {
  count = 0
  #before = 0

  wasUsed(): boolean {
    const isUsed = this.count !== this.#before
    this.#before = this.count
    return isUsed
  }
}
