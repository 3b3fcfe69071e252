/** A length as a person says it: "15 m", "480 m", "1.2 km". */
export function metres(length: number): string {
  if (length < 100) return `${Math.max(1, Math.round(length))} m`;
  if (length < 1000) return `${Math.round(length / 10) * 10} m`;
  if (length < 10_000) return `${(length / 1000).toFixed(1)} km`;
  return `${Math.round(length / 1000)} km`;
}
