/** The map's own style: no tiles, no fonts from elsewhere; borders, cameras, her circle and her way on a dark ground. */
import type { GeoJSONSourceSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl';
import { nothing } from './shapes.ts';

export const sourceNames = [
  'neighbours', 'own', 'graticule', 'cameras', 'cones', 'posts', 'others', 'track', 'fixes', 'circle', 'dot', 'names',
] as const;
export type SourceName = (typeof sourceNames)[number];

const tone = ['match', ['get', 'tone'], 'duress', '#c86bfa', 'calm', '#8ab8ff', '#ff6b6b'] as const;
const lit = ['boolean', ['get', 'lit'], false] as const;
const fonts = ['sans-serif'];

/** The style; a border known only roughly is drawn dashed. */
export function style(approximate: boolean): StyleSpecification {
  const dashes = approximate ? { 'line-dasharray': [3, 2] } : {};
  const layers: unknown[] = [
    { id: 'ground', type: 'background', paint: { 'background-color': '#080c12' } },
    { id: 'neighbours', type: 'fill', source: 'neighbours', paint: { 'fill-color': '#0d141d' } },
    { id: 'own', type: 'fill', source: 'own', paint: { 'fill-color': '#142130' } },
    { id: 'graticule', type: 'line', source: 'graticule', paint: { 'line-color': '#ffffff', 'line-opacity': 0.05, 'line-width': 1 } },
    { id: 'neighbours-line', type: 'line', source: 'neighbours', paint: { 'line-color': '#2f3f52', 'line-width': 1.2, ...dashes } },
    { id: 'own-line', type: 'line', source: 'own', paint: { 'line-color': '#5e83ad', 'line-width': 2, ...dashes } },
    {
      id: 'names', type: 'symbol', source: 'names',
      layout: {
        'text-field': ['get', 'name'], 'text-font': fonts, 'text-allow-overlap': false, 'text-padding': 6,
        'text-size': ['interpolate', ['linear'], ['zoom'], 9, 11, 13, 16],
      },
      paint: {
        'text-color': ['case', ['boolean', ['get', 'own'], false], '#a9c4e4', '#7688a0'],
        'text-halo-color': '#080c12', 'text-halo-width': 1.4,
      },
    },
    {
      id: 'cameras', type: 'circle', source: 'cameras', minzoom: 11.5,
      paint: {
        'circle-radius': ['interpolate', ['linear'], ['zoom'], 12, 1.4, 16, 3.5],
        'circle-color': '#5b7f96', 'circle-opacity': ['interpolate', ['linear'], ['zoom'], 12, 0.5, 15, 0.9],
      },
    },
    {
      id: 'cones', type: 'fill', source: 'cones',
      paint: {
        'fill-color': ['case', lit, '#ffd866', '#5fd3c4'],
        'fill-opacity': ['case', ['!', ['get', 'known']], 0, lit, 0.34, ['==', ['get', 'faces'], 'away'], 0.05, 0.11],
      },
    },
    {
      id: 'cones-line', type: 'line', source: 'cones', filter: ['get', 'known'],
      paint: {
        'line-color': ['case', lit, '#ffd866', '#5fd3c4'], 'line-width': ['case', lit, 2, 1],
        'line-opacity': ['case', lit, 1, 0.35],
      },
    },
    {
      // Nobody knows where this one looks: its reach only, as a faint dashed ring.
      id: 'cones-unknown', type: 'line', source: 'cones', filter: ['!', ['get', 'known']],
      paint: {
        'line-color': ['case', lit, '#ffd866', '#5fd3c4'], 'line-width': ['case', lit, 2, 1],
        'line-opacity': ['case', lit, 1, 0.28], 'line-dasharray': [2, 4],
      },
    },
    { id: 'circle', type: 'fill', source: 'circle', paint: { 'fill-color': tone, 'fill-opacity': ['case', ['get', 'old'], 0.07, 0.16] } },
    {
      id: 'circle-line', type: 'line', source: 'circle', filter: ['!', ['get', 'old']],
      paint: { 'line-color': tone, 'line-width': 2, 'line-opacity': 0.9 },
    },
    {
      id: 'circle-line-old', type: 'line', source: 'circle', filter: ['get', 'old'],
      paint: { 'line-color': tone, 'line-width': 2, 'line-opacity': 0.7, 'line-dasharray': [2, 2] },
    },
    {
      id: 'track', type: 'line', source: 'track', layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': tone, 'line-width': ['interpolate', ['linear'], ['get', 'fresh'], 0, 2, 1, 4], 'line-opacity': ['interpolate', ['linear'], ['get', 'fresh'], 0, 0.22, 1, 0.95] },
    },
    {
      id: 'fixes', type: 'circle', source: 'fixes', minzoom: 15,
      paint: { 'circle-radius': 2.5, 'circle-color': '#0b1017', 'circle-stroke-color': tone, 'circle-stroke-width': 1.5, 'circle-stroke-opacity': ['interpolate', ['linear'], ['get', 'fresh'], 0, 0.3, 1, 1] },
    },
    {
      id: 'posts', type: 'circle', source: 'posts',
      paint: {
        'circle-radius': ['case', lit, 13, 10], 'circle-color': ['case', lit, '#ffd866', '#123a3a'],
        'circle-stroke-color': ['case', lit, '#ffd866', '#5fd3c4'], 'circle-stroke-width': 1.5,
      },
    },
    {
      id: 'posts-rank', type: 'symbol', source: 'posts',
      layout: { 'text-field': ['to-string', ['get', 'rank']], 'text-font': fonts, 'text-size': 12, 'text-allow-overlap': true, 'text-ignore-placement': true },
      paint: { 'text-color': ['case', lit, '#1a1400', '#c9f5ee'] },
    },
    {
      id: 'others', type: 'circle', source: 'others',
      paint: {
        'circle-radius': 7, 'circle-color': tone, 'circle-opacity': 0.55,
        'circle-stroke-color': '#eef3f8', 'circle-stroke-width': 1.5, 'circle-stroke-opacity': 0.8,
      },
    },
    { id: 'dot', type: 'circle', source: 'dot', paint: { 'circle-radius': 8, 'circle-color': tone, 'circle-stroke-color': '#ffffff', 'circle-stroke-width': 3 } },
  ];
  // No simplification: a circle stays a circle.
  const empty: GeoJSONSourceSpecification = { type: 'geojson', data: nothing, tolerance: 0 };
  return {
    version: 8,
    sources: Object.fromEntries(sourceNames.map((name) => [name, { ...empty }])),
    layers: layers as LayerSpecification[],
  };
}

/** A fix older than this many seconds is drawn and called old; an open incident sends one every few seconds. */
export const staleFix = 30;
