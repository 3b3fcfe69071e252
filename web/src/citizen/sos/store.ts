/**
 * What must survive a reload, a crash or an empty battery: presses and fixes, in IndexedDB.
 *
 * A browser may refuse storage (private windows, a full disk). An SOS goes out all the same, so every call here is
 * bounded in time and reports failure instead of throwing.
 */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { Fix, Press } from '../types.ts';

interface Schema extends DBSchema {
  presses: { key: string; value: Press };
  fixes: { key: string; value: Fix & { press: string }; indexes: { press: string } };
}

const patience = 1500;
let opened: Promise<IDBPDatabase<Schema>> | null = null;

async function database(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>('ansim', 1, {
    upgrade(db) {
      db.createObjectStore('presses', { keyPath: 'key' });
      db.createObjectStore('fixes', { keyPath: 'id' }).createIndex('press', 'press');
    },
    terminated() {
      opened = null;
    },
  }).catch((error: unknown) => {
    opened = null;
    throw error;
  });
  return opened;
}

/** Run a storage operation; `fallback` when storage fails or does not answer in time. */
async function attempt<T>(work: (db: IDBPDatabase<Schema>) => Promise<T>, fallback: T): Promise<T> {
  const late = new Promise<T>((resolve) => setTimeout(resolve, patience, fallback));
  const done = database()
    .then(work)
    .catch((error: unknown) => {
      console.warn('storage', error);
      return fallback;
    });
  return Promise.race([done, late]);
}

/** Keep a press; answers whether it will survive a reload. */
export function keepPress(press: Press): Promise<boolean> {
  return attempt(async (db) => {
    // Relaxed durability may lose the last write when power fails: this one must not be lost.
    const tx = db.transaction('presses', 'readwrite', { durability: 'strict' });
    await tx.store.put(press);
    await tx.done;
    return true;
  }, false);
}

export function loadPresses(): Promise<Press[]> {
  return attempt((db) => db.getAll('presses'), []);
}

/** Forget a press and its fixes. */
export function forgetPress(key: string): Promise<boolean> {
  return attempt(async (db) => {
    const tx = db.transaction(['presses', 'fixes'], 'readwrite');
    await tx.objectStore('presses').delete(key);
    const fixes = tx.objectStore('fixes');
    for (const id of await fixes.index('press').getAllKeys(key)) await fixes.delete(id);
    await tx.done;
    return true;
  }, false);
}

export function keepFix(press: string, fix: Fix): Promise<boolean> {
  return attempt(async (db) => {
    await db.put('fixes', { ...fix, press });
    return true;
  }, false);
}

/** Fixes of a press that no server has accepted yet, at most `limit`. */
export function waitingFixes(press: string, limit: number): Promise<Fix[]> {
  return attempt(async (db) => {
    const rows = await db.getAllFromIndex('fixes', 'press', press, limit);
    return rows.map(({ press: _press, ...fix }) => fix);
  }, []);
}

export function dropFixes(ids: string[]): Promise<boolean> {
  return attempt(async (db) => {
    const tx = db.transaction('fixes', 'readwrite');
    await Promise.all([...ids.map((id) => tx.store.delete(id)), tx.done]);
    return true;
  }, false);
}
