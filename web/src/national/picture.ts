/** What the national page knows, as a pure fold of its stream. */

export type ServiceState = 'normal' | 'overloaded' | 'unstaffed' | 'down';
/** From the best to the worst. */
export const states: ServiceState[] = ['normal', 'overloaded', 'unstaffed', 'down'];

export interface CenterRow {
  code: string;
  name: string;
  province: string;
  state: ServiceState;
  since: string | null;
  /** When the hub last heard it; null: never since the hub began. */
  heard_at: string | null;
  operators: number | null;
  open: number;
  alarms: number;
  /** Since when its oldest alarm waits for an operator. */
  waiting_since: string | null;
  outbox: number;
  room: boolean;
}

export interface Entry {
  id: string;
  at: string;
  time: string;
  /** The end of the incident's random id, enough to tell two apart; empty for a center's change of state. */
  incident: string;
  kind: string;
  data: Record<string, string>;
}

export interface PolicyState {
  serial: number;
  note: string;
  signer: string;
  rules: number;
  /** Why the installed policy is not executed; empty when it is. */
  refused: string;
}

export interface Picture {
  centers: CenterRow[];
  /** Oldest first. */
  log: Entry[];
  policy: PolicyState | null;
}

export type Change = { kind: 'log'; entry: Entry } | { kind: 'policy'; policy: PolicyState };

export const nothingKnown: Picture = { centers: [], log: [], policy: null };
const kept = 200;

export function fromSnapshot(snapshot: Picture): Picture {
  return { centers: snapshot.centers, log: snapshot.log, policy: snapshot.policy };
}

export function apply(picture: Picture, change: Change): Picture {
  if (change.kind === 'policy') return { ...picture, policy: change.policy };
  const { entry } = change;
  if (picture.log.some((line) => line.id === entry.id)) return picture;
  let at = picture.log.length;
  while (at > 0 && after(picture.log[at - 1] as Entry, entry)) at -= 1;
  const log = [...picture.log.slice(0, at), entry, ...picture.log.slice(at)];
  return { ...picture, log: log.slice(-kept) };
}

export function applyStatus(picture: Picture, status: { centers: CenterRow[] }): Picture {
  return { ...picture, centers: status.centers };
}

function after(a: Entry, b: Entry): boolean {
  if (a.time !== b.time) return a.time > b.time;
  return a.at === b.at ? a.id > b.id : a.at > b.at;
}

/** The worst first, then who has waited longest, then by name: what needs somebody stands on top. */
export function inOrder(centers: CenterRow[]): CenterRow[] {
  const rank = (row: CenterRow): number => states.indexOf(row.state);
  const wait = (row: CenterRow): string => row.waiting_since ?? '9';
  return [...centers].sort(
    (a, b) => rank(b) - rank(a) || (wait(a) < wait(b) ? -1 : wait(a) > wait(b) ? 1 : 0) || a.name.localeCompare(b.name, 'ko'),
  );
}
