/** What the national map draws. Pure. */
import type { Feature, FeatureCollection, Point } from 'geojson';
import type { LayerSpecification, StyleSpecification } from 'maplibre-gl';
import { nothing } from '../map/shapes.ts';
import type { CenterRow, ServiceState } from './picture.ts';

/** `GET /api/national/map`: each feature names the `center` that answers for it, null when it is not connected. */
export type Borders = FeatureCollection & { approximate: boolean };

export interface Asked {
  code: string;
  name: string;
  state: ServiceState;
}

/** `GET /api/national/where` */
export interface Answer {
  lat: number;
  lon: number;
  code: string;
  name: string;
  province: string;
  method: 'contains' | 'overlap' | 'nearest' | 'default';
  approximate: boolean;
  distance_m: number;
  others: string[];
  connected: boolean;
  order: Asked[];
  room: Asked | null;
  rules: Record<string, string>;
}

const colours: Record<ServiceState, string> = { normal: '#12372a', overloaded: '#5a4410', unstaffed: '#43245c', down: '#64202a' };

/** The borders, each with the state of the center that answers for it; `chosen` is lit. */
export function painted(borders: Borders, centers: CenterRow[], chosen: string | null): FeatureCollection {
  const states = new Map(centers.map((row) => [row.code, row.state]));
  const features = borders.features.map((feature): Feature => {
    const center = feature.properties?.['center'] as string | null | undefined;
    const state = center == null ? undefined : states.get(center);
    return {
      ...feature,
      properties: { ...feature.properties, fill: state ? colours[state] : '#0d141d', connected: state !== undefined, lit: center != null && center === chosen },
    };
  });
  return { type: 'FeatureCollection', features };
}

export function placeOf(answer: Answer | null): FeatureCollection {
  if (answer === null) return nothing;
  const at: Feature<Point> = { type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: [answer.lon, answer.lat] } };
  return { type: 'FeatureCollection', features: [at] };
}

export function style(): StyleSpecification {
  const layers: unknown[] = [
    { id: 'ground', type: 'background', paint: { 'background-color': '#080c12' } },
    { id: 'areas', type: 'fill', source: 'areas', paint: { 'fill-color': ['get', 'fill'] } },
    { id: 'areas-line', type: 'line', source: 'areas', paint: { 'line-color': '#2f3f52', 'line-width': ['interpolate', ['linear'], ['zoom'], 6, 0.5, 11, 1.4] } },
    { id: 'areas-lit', type: 'line', source: 'areas', filter: ['get', 'lit'], paint: { 'line-color': '#ffd866', 'line-width': 2.5 } },
    {
      id: 'names', type: 'symbol', source: 'areas', minzoom: 8.5,
      layout: { 'text-field': ['get', 'name'], 'text-font': ['sans-serif'], 'text-size': ['interpolate', ['linear'], ['zoom'], 8.5, 10, 12, 15] },
      paint: { 'text-color': ['case', ['get', 'connected'], '#dbe7f3', '#7688a0'], 'text-halo-color': '#080c12', 'text-halo-width': 1.4 },
    },
    { id: 'place', type: 'circle', source: 'place', paint: { 'circle-radius': 6, 'circle-color': '#ffd866', 'circle-stroke-color': '#0b1017', 'circle-stroke-width': 2 } },
  ];
  return {
    version: 8,
    sources: { areas: { type: 'geojson', data: nothing }, place: { type: 'geojson', data: nothing } },
    layers: layers as LayerSpecification[],
  };
}
