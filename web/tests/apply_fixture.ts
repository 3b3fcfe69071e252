/**
 * Fold recorded frames with the pages' own reducer: reads `{snapshot, changes}` as JSON on stdin and prints the state
 * they lead to as `{incidents: [{view, timeline, track}, …]}`, ordered by incident id, so that it can be compared with a
 * fresh snapshot put in the same order.
 *
 * Run with plain Node (type stripping): `node web/tests/apply_fixture.ts < fixture.json`.
 */
import { readFileSync } from 'node:fs';
import { apply, fromSnapshot } from '../src/kit/fold.ts';
import type { Change, Snapshot } from '../src/kit/types.ts';

const { snapshot, changes } = JSON.parse(readFileSync(0, 'utf8')) as { snapshot: Snapshot; changes: Change[] };
const state = changes.reduce(apply, fromSnapshot(snapshot));
const incidents = Object.keys(state.incidents)
  .sort()
  .map((id) => state.incidents[id]);
process.stdout.write(JSON.stringify({ incidents }));
