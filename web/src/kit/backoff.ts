/** Exponential backoff with jitter: the wait before try `attempt` (0, 1, …), in milliseconds. */
export function backoff(attempt: number, first = 500, most = 30_000, random: () => number = Math.random): number {
  const ceiling = Math.min(most, first * 2 ** Math.min(attempt, 20));
  // Half fixed, half random: phones that lost the same mast must not all come back in the same instant.
  return Math.round(ceiling / 2 + (ceiling / 2) * random());
}
