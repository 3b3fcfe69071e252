/** What the map is asked to show. */
import type { FeatureCollection } from 'geojson';
import type { Position } from '../kit/types.ts';

/** `GET /api/console/map` */
export interface Borders {
  own: FeatureCollection;
  neighbours: FeatureCollection;
  approximate: boolean;
  center: { lat: number; lon: number };
}

export type Faces = 'towards' | 'away' | 'all_round' | 'unknown';

/** One of `GET /api/console/incidents/{id}/cameras`, nearest and best placed first. */
export interface RankedCamera {
  id: string;
  name: string;
  address: string;
  lat: number;
  lon: number;
  distance_m: number;
  /** From her to the camera, degrees clockwise from north. */
  bearing_deg: number;
  heading: number | null;
  fov_deg: number;
  range_m: number;
  ptz: boolean;
  faces: Faces;
  rank: number;
  why: string;
}

export type Tone = 'alarm' | 'duress' | 'calm';

/** The person the map is about. */
export interface Subject {
  /** The incident: when it changes, the map goes there. */
  id: string;
  name: string;
  position: Position | null;
  track: Position[];
  tone: Tone;
}

/** Somebody else's open incident: a dot that can be picked. */
export interface OtherDot {
  id: string;
  lat: number;
  lon: number;
  tone: Tone;
}
