/** The console's keys as the help shows them. */
export const helpRows: [string, string][] = [
  ['A', 'console.key.accept'],
  ['1', 'console.key.112'],
  ['2', 'console.key.119'],
  ['C', 'console.key.close'],
  ['Y', 'console.key.confirm'],
  ['X', 'console.key.reject'],
  ['N', 'console.key.note'],
  ['J ↓', 'console.key.next'],
  ['K ↑', 'console.key.previous'],
  ['Q', 'console.key.first'],
  ['M', 'console.key.mute'],
  ['F', 'console.key.follow'],
  ['/', 'console.key.cameras'],
  ['Esc', 'console.key.escape'],
  ['?', 'console.key.help'],
];
