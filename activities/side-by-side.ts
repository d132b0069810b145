/**
 * A batch as single requests side by side. Each keeps its own condition and its own answer, and needs no permission beyond
 * those of single reads and writes. A transaction would take all back for one of them, and costs twice as much in DynamoDB (two units a kilobyte:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html).
 */

/** `act` for each item, no more than `most` at a time; the answers in the order of the items. Stops at the first that throws. */
export async function sideBySide<Item, Answer>(
  items: readonly Item[],
  most: number,
  act: (item: Item) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const at = next;
      next += 1;
      try {
        answers[at] = await act(items[at] as Item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(most, items.length) }, lane));
  const fault = lanes.find((one) => one.status === 'rejected');
  if (fault) throw fault.reason;
  return answers;
}
