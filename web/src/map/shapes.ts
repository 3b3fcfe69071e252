/**
 * Shapes on the map, in metres on the ground: circles, fields of view, graticules.
 *
 * A local equirectangular projection is used; within the few kilometres of a picture it is right to well under a
 * metre, less than any fix is worth. Longitude and latitude are degrees, in that order, as GeoJSON wants them.
 */
import type { Feature, FeatureCollection, LineString, Polygon, Position as LonLat } from 'geojson';

const metresPerDegree = 111_195.08;

/** The point `distance` metres from (lat, lon) towards `bearing` degrees clockwise from north. */
export function destination(lat: number, lon: number, distance: number, bearing: number): LonLat {
  const turn = (bearing * Math.PI) / 180;
  const north = (distance * Math.cos(turn)) / metresPerDegree;
  const east = (distance * Math.sin(turn)) / (metresPerDegree * Math.cos((lat * Math.PI) / 180));
  return [lon + east, lat + north];
}

/** Metres between two points. */
export function distance(latA: number, lonA: number, latB: number, lonB: number): number {
  const shrink = Math.cos((((latA + latB) / 2) * Math.PI) / 180);
  return metresPerDegree * Math.hypot(latB - latA, (lonB - lonA) * shrink);
}

/** A circle of `radius` metres as a closed ring. */
export function circle(lat: number, lon: number, radius: number, corners = 96): Polygon {
  const ring: LonLat[] = [];
  for (let i = 0; i < corners; i += 1) ring.push(destination(lat, lon, radius, (i * 360) / corners));
  ring.push(ring[0] as LonLat);
  return { type: 'Polygon', coordinates: [ring] };
}

/** What a camera can see: a sector of `range` metres, `fov` degrees wide around `heading`; all round without a heading. */
export function fieldOfView(lat: number, lon: number, heading: number | null, fov: number, range: number): Polygon {
  if (heading === null || fov >= 360) return circle(lat, lon, range, 48);
  const ring: LonLat[] = [[lon, lat]];
  const steps = Math.max(6, Math.ceil(fov / 6));
  for (let i = 0; i <= steps; i += 1) ring.push(destination(lat, lon, range, heading - fov / 2 + (fov * i) / steps));
  ring.push([lon, lat]);
  return { type: 'Polygon', coordinates: [ring] };
}

/** A box [west, south, east, north] around a circle of `radius` metres. */
export function boxAround(lat: number, lon: number, radius: number): [number, number, number, number] {
  const [east] = destination(lat, lon, radius, 90) as [number, number];
  const [, north] = destination(lat, lon, radius, 0) as [number, number];
  return [2 * lon - east, 2 * lat - north, east, north];
}

/** The box of all coordinates in some GeoJSON geometries, or null when there are none. */
export function boxOf(collection: FeatureCollection): [number, number, number, number] | null {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  const visit = (node: unknown): void => {
    if (!Array.isArray(node)) return;
    if (typeof node[0] === 'number' && typeof node[1] === 'number') {
      west = Math.min(west, node[0]);
      east = Math.max(east, node[0]);
      south = Math.min(south, node[1]);
      north = Math.max(north, node[1]);
      return;
    }
    node.forEach(visit);
  };
  for (const feature of collection.features) {
    if (feature.geometry !== null && 'coordinates' in feature.geometry) visit(feature.geometry.coordinates);
  }
  return west <= east ? [west, south, east, north] : null;
}

/** Steps of a graticule in degrees, from the coarsest to the finest. */
const steps = [1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005];

/** Lines of latitude and longitude that cut a box into about `parts` parts. */
export function graticule(box: [number, number, number, number], parts = 8): FeatureCollection<LineString> {
  const [west, south, east, north] = box;
  const wanted = (east - west) / parts;
  const step = steps.find((candidate) => candidate <= wanted) ?? (steps.at(-1) as number);
  const features: Feature<LineString>[] = [];
  const line = (from: LonLat, to: LonLat): void => {
    features.push({ type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: [from, to] } });
  };
  for (let i = Math.floor(west / step); i <= Math.ceil(east / step); i += 1) line([i * step, south], [i * step, north]);
  for (let i = Math.floor(south / step); i <= Math.ceil(north / step); i += 1) line([west, i * step], [east, i * step]);
  return { type: 'FeatureCollection', features };
}

type Box = [number, number, number, number];

/** The part of a ring inside a box (Sutherland–Hodgman), open. */
export function clipRing(ring: LonLat[], [west, south, east, north]: Box): LonLat[] {
  const edges: [number, number, 1 | -1][] = [[0, west, 1], [0, east, -1], [1, south, 1], [1, north, -1]];
  let points = ring.slice(0, -1);
  for (const [axis, limit, sign] of edges) {
    const inside = (point: LonLat): boolean => ((point[axis] as number) - limit) * sign >= 0;
    const clipped: LonLat[] = [];
    points.forEach((to, index) => {
      const from = points[(index + points.length - 1) % points.length] as LonLat;
      if (inside(from) !== inside(to)) {
        const share = (limit - (from[axis] as number)) / ((to[axis] as number) - (from[axis] as number));
        clipped.push([0, 1].map((i) => (from[i] as number) + share * ((to[i] as number) - (from[i] as number))));
      }
      if (inside(to)) clipped.push(to);
    });
    points = clipped;
  }
  return points;
}

/** Area (square degrees, positive) and centroid of an open ring; null when it has no area. */
export function centroid(points: LonLat[]): { area: number; at: LonLat } | null {
  let [twice, x, y] = [0, 0, 0];
  const origin = points[0];
  if (origin === undefined) return null;
  const [x0, y0] = origin as [number, number];
  points.forEach((to, index) => {
    const from = points[(index + points.length - 1) % points.length] as LonLat;
    const [ax, ay, bx, by] = [(from[0] as number) - x0, (from[1] as number) - y0, (to[0] as number) - x0, (to[1] as number) - y0];
    const cross = ax * by - bx * ay;
    twice += cross;
    x += (ax + bx) * cross;
    y += (ay + by) * cross;
  });
  if (Math.abs(twice) < 1e-14) return null;
  return { area: Math.abs(twice) / 2, at: [x0 + x / (3 * twice), y0 + y / (3 * twice)] };
}

export type Octant = 'n' | 'ne' | 'e' | 'se' | 's' | 'sw' | 'w' | 'nw';

/** The compass word of a bearing. */
export function octant(bearing: number): Octant {
  const names: Octant[] = ['n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw'];
  return names[Math.round((((bearing % 360) + 360) % 360) / 45) % 8] as Octant;
}

export const nothing: FeatureCollection = { type: 'FeatureCollection', features: [] };
