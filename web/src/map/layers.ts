/** Turn what the page knows into GeoJSON for the map's sources: pure. */
import type { Feature, FeatureCollection, Geometry } from 'geojson';
import type { Position } from '../kit/types.ts';
import { centroid, circle, clipRing, fieldOfView, nothing } from './shapes.ts';
import type { Borders, OtherDot, RankedCamera, Subject } from './types.ts';

type Properties = Record<string, string | number | boolean>;

function collect(features: Feature[]): FeatureCollection {
  return { type: 'FeatureCollection', features };
}

function feature(geometry: Geometry, properties: Properties): Feature {
  return { type: 'Feature', geometry, properties };
}

function point(lat: number, lon: number, properties: Properties): Feature {
  return feature({ type: 'Point', coordinates: [lon, lat] }, properties);
}

/**
 * A name for every jurisdiction in the picture, in the middle of the part that is in it; near a person in its upper
 * part, so that no name lies on her.
 */
export function nameFeatures(borders: Borders, whole: [number, number, number, number], upper: boolean): FeatureCollection {
  const box: typeof whole = upper ? [whole[0], whole[3] - (whole[3] - whole[1]) * 0.3, whole[2], whole[3]] : whole;
  const picture = (box[2] - box[0]) * (box[3] - box[1]);
  const named = (collection: FeatureCollection, own: boolean): Feature[] =>
    collection.features.flatMap((item) => {
      const { geometry } = item;
      const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.type === 'MultiPolygon' ? geometry.coordinates : [];
      const parts = polygons.flatMap((rings) => centroid(clipRing(rings[0] ?? [], box)) ?? []);
      const largest = parts.reduce<(typeof parts)[number] | null>((best, part) => (best === null || part.area > best.area ? part : best), null);
      if (largest === null || largest.area < picture * 0.01) return [];
      return [point(largest.at[1] as number, largest.at[0] as number, { name: String(item.properties?.['name'] ?? ''), own })];
    });
  return collect([...named(borders.own, true), ...named(borders.neighbours, false)]);
}

/** Her circle of uncertainty; nothing for a fix that claims to be exact. */
export function circleFeatures(subject: Subject | null, old: boolean): FeatureCollection {
  const fix = subject?.position;
  if (!subject || !fix || fix.radius <= 0) return nothing;
  return collect([feature(circle(fix.lat, fix.lon, fix.radius), { tone: subject.tone, old })]);
}

export function dotFeatures(subject: Subject | null): FeatureCollection {
  const fix = subject?.position;
  return subject && fix ? collect([point(fix.lat, fix.lon, { tone: subject.tone })]) : nothing;
}

/** How fresh each fix of a track is, from 0 (the oldest) to 1 (the newest), by its time. */
export function freshness(track: Position[]): number[] {
  const times = track.map((fix) => Date.parse(fix.at));
  const first = Math.min(...times);
  const span = Math.max(...times) - first;
  return times.map((time) => (span > 0 ? (time - first) / span : 1));
}

/** Her way: one piece a pair of fixes, so that older pieces can be dimmer. */
export function trackFeatures(subject: Subject | null): FeatureCollection {
  const track = subject?.track ?? [];
  if (!subject || track.length < 2) return nothing;
  const fresh = freshness(track);
  return collect(
    track.slice(1).map((fix, index) => {
      const from = track[index] as Position;
      const coordinates = [[from.lon, from.lat], [fix.lon, fix.lat]];
      return feature({ type: 'LineString', coordinates }, { tone: subject.tone, fresh: fresh[index + 1] as number });
    }),
  );
}

export function fixFeatures(subject: Subject | null): FeatureCollection {
  if (!subject) return nothing;
  const fresh = freshness(subject.track);
  return collect(subject.track.map((fix, index) => point(fix.lat, fix.lon, { tone: subject.tone, fresh: fresh[index] as number })));
}

/** Fields of view of the ranked cameras; the lit one last, so that it lies on top. */
export function coneFeatures(cameras: RankedCamera[], lit: string | null): FeatureCollection {
  return collect(
    litLast(cameras, lit).map((camera) =>
      feature(fieldOfView(camera.lat, camera.lon, camera.heading, camera.fov_deg, camera.range_m), {
        lit: camera.id === lit, faces: camera.faces, known: camera.faces !== 'unknown',
      }),
    ),
  );
}

export function postFeatures(cameras: RankedCamera[], lit: string | null): FeatureCollection {
  return collect(litLast(cameras, lit).map((camera) => point(camera.lat, camera.lon, { lit: camera.id === lit, rank: camera.rank, id: camera.id })));
}

function litLast(cameras: RankedCamera[], lit: string | null): RankedCamera[] {
  return [...cameras].sort((a, b) => Number(a.id === lit) - Number(b.id === lit) || b.rank - a.rank);
}

export function otherFeatures(others: OtherDot[]): FeatureCollection {
  return collect(others.map((dot) => point(dot.lat, dot.lon, { id: dot.id, tone: dot.tone })));
}
