/**
 * What this device knows of its own center for the time in which the hub is silent: kept in IndexedDB, good inside its
 * boundary until it expires. An expired one is better than none, and is used: the center hands her over if it must.
 */
import { openDB } from 'idb';
import { api, Problem } from '../../kit/api.ts';
import { account } from '../account/account.svelte.ts';
import type { Fix } from '../types.ts';

type Ring = [number, number][];

export interface DirectCenter {
  code: string;
  name: string;
  /** The origin it takes an SOS at. */
  url: string;
}

/** `GET /api/where/mapping` */
export interface Mapping {
  code: string;
  name: string;
  expires: string;
  boundary: { type: 'Polygon'; coordinates: Ring[] } | { type: 'MultiPolygon'; coordinates: Ring[][] };
  centers: DirectCenter[];
  /** Whether she was signed in when it was fetched: then cancelling needs a PIN that only the hub can check. */
  registered?: boolean;
}

const apart = 20_000;
const patience = 1000;
let asked = 0;

function database() {
  return openDB('ansim-mapping', 1, {
    upgrade(db) {
      db.createObjectStore('mapping');
    },
  });
}

/** The mapping that this device keeps; null when there is none or storage does not answer in time. */
export function keptMapping(): Promise<Mapping | null> {
  const late = new Promise<null>((resolve) => setTimeout(resolve, patience, null));
  const read = database()
    .then(async (db) => {
      const found = (await db.get('mapping', 'own')) as Mapping | undefined;
      db.close();
      return found ?? null;
    })
    .catch((error: unknown) => {
      console.warn('mapping', error);
      return null;
    });
  return Promise.race([read, late]);
}

/** Make sure that the mapping fits this place; asks the hub only when it does not, and not too often. */
export async function refreshMapping(fix: Fix): Promise<void> {
  const kept = await keptMapping();
  const registered = account.me !== null || (kept?.registered ?? false);
  const fits = kept !== null && Date.parse(kept.expires) > Date.now() && inside(kept, fix);
  if ((fits && kept.registered === registered) || Date.now() - asked < apart) return;
  asked = Date.now();
  const { lat, lon, radius } = fix;
  try {
    const query = new URLSearchParams({ lat: String(lat), lon: String(lon), radius: String(Math.min(radius, 100_000)) });
    const found = await api.get<Mapping>(`/api/where/mapping?${query}`);
    const db = await database();
    await db.put('mapping', { ...found, registered }, 'own');
    db.close();
  } catch (error) {
    // Without it she can still reach the hub; the next fix asks again.
    if (!(error instanceof Problem)) console.warn('mapping', error);
  }
}

/** Whether a place lies inside the mapping's boundary. */
export function inside(mapping: Mapping, { lat, lon }: { lat: number; lon: number }): boolean {
  const { boundary } = mapping;
  const polygons = boundary.type === 'Polygon' ? [boundary.coordinates] : boundary.coordinates;
  return polygons.some((rings) => rings.filter((ring) => crosses(ring, lat, lon)).length % 2 === 1);
}

/** Whether a ray to the east leaves the ring an odd number of times; a hole's ring then turns it back. */
function crosses(ring: Ring, lat: number, lon: number): boolean {
  let odd = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
    const [x1, y1] = ring[i] as [number, number];
    const [x2, y2] = ring[j] as [number, number];
    if (y1 > lat !== y2 > lat && lon < ((x2 - x1) * (lat - y1)) / (y2 - y1) + x1) odd = !odd;
  }
  return odd;
}
