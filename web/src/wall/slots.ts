/** Which camera stands in which tile: what the node chose, what the operator wanted. Pure. */

/** A camera that can stand in a tile and be drawn on the map. */
export interface WallCamera {
  id: string;
  name: string;
  lat: number;
  lon: number;
  heading: number | null;
  fov_deg: number;
  range_m: number;
  ptz: boolean;
}

/** One of `GET /api/incidents/{id}/wall`, in the order of the tiles. */
export interface Choice extends WallCamera {
  distance_m: number;
  bearing_deg: number;
  /** `now`: to see her where she is; `next`: where she may come out. */
  purpose: 'now' | 'next';
  probability: number;
  adds: number;
  reasons: { key: string; params: Record<string, string | number> }[];
  /** Whether a picture can be had. */
  live: boolean;
}

export interface Wall {
  incident: string;
  at: string;
  revision: number;
  choices: Choice[];
  together: number;
}

export type Count = 1 | 4 | 9;
export const counts: Count[] = [1, 4, 9];

export interface Slot {
  camera: WallCamera;
  choice: Choice | null;
  /** The operator put it here: it stays until she lets go of it. */
  pinned: boolean;
}

/**
 * The tiles after a new choice. What is pinned stays; a camera that is still chosen keeps its place; a new one takes
 * the place of one that is no longer chosen, so that no picture moves without need.
 */
export function arrange(before: (Slot | null)[], choices: Choice[], count: Count): (Slot | null)[] {
  const byId = new Map(choices.map((choice) => [choice.id, choice]));
  const pins = before.slice(0, count).map((slot) => (slot?.pinned ? slot.camera.id : null));
  const wanted = choices.filter((choice) => choice.live && !pins.includes(choice.id)).slice(0, count - pins.filter((id) => id !== null).length);
  const left = new Set(wanted.map((choice) => choice.id));
  const slots: (Slot | null)[] = Array.from({ length: count }, (_, place) => {
    const slot = before[place] ?? null;
    if (slot === null) return null;
    const choice = byId.get(slot.camera.id) ?? null;
    if (slot.pinned) return { ...slot, choice };
    if (choice === null || !left.has(choice.id)) return null;
    left.delete(choice.id);
    return { camera: choice, choice, pinned: false };
  });
  for (const choice of wanted) {
    if (!left.has(choice.id)) continue;
    const place = slots.indexOf(null);
    if (place >= 0) slots[place] = { camera: choice, choice, pinned: false };
  }
  return slots;
}

/** Put a camera into a tile: one that is shown already changes places with what is there. */
export function place(before: (Slot | null)[], at: number, camera: WallCamera, choices: Choice[]): (Slot | null)[] {
  const slots = [...before];
  const there = slots.findIndex((slot) => slot?.camera.id === camera.id);
  const choice = choices.find((one) => one.id === camera.id) ?? null;
  if (there >= 0) slots[there] = slots[at] ?? null;
  slots[at] = { camera: choice ?? camera, choice, pinned: true };
  return slots;
}

/** Change two tiles. */
export function swap(before: (Slot | null)[], from: number, to: number): (Slot | null)[] {
  const slots = [...before];
  [slots[from], slots[to]] = [slots[to] ?? null, slots[from] ?? null];
  return slots;
}

/**
 * One colour a place, for the tile's border and its cone on the map. Told apart by people who do not see red and green
 * alike (Okabe and Ito's set, brightened for a dark ground); the number says the same without any colour.
 */
export const colours = ['#ffd166', '#56b4e9', '#2fd6a3', '#ff8a5c', '#e59ad0', '#9fb4ff', '#d7e86a', '#c9a27a', '#b8c4d0'];
