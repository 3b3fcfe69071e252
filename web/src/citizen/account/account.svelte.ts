/**
 * Who uses this phone. What the hub last said is kept on the device, so the page knows her settings without a
 * connection and after her login has ended.
 */
import { api, Problem } from '../../kit/api.ts';
import { forget, recall, remember } from '../../kit/storage.ts';
import type { Guardian } from '../../kit/types.ts';
import type { Consent, Look, Me, Registration, Settings } from '../types.ts';

const meKey = 'ansim.me';
const settingsKey = 'ansim.settings';
const plain: Settings = { shake: { enabled: false, strength: 5 }, silent: false };

class Account {
  me = $state.raw<Me | null>(read<Me>(meKey));
  settings = $state.raw<Settings>(read<Settings>(settingsKey) ?? plain);
  /** The hub does not know this session any more, though this device has been registered. */
  signedOut = $state(false);

  async load(): Promise<void> {
    try {
      this.#take(await api.get<Me>('/api/me'));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 401) this.signedOut = this.me !== null;
    }
  }

  async askCode(phone: string): Promise<number> {
    const { expires_in } = await api.post<{ expires_in: number }>('/api/registration/code', { phone });
    return expires_in;
  }

  /** Sign in a known phone number; false when it has not been registered. */
  async signIn(phone: string, code: string): Promise<boolean> {
    try {
      this.#take(await api.post<Me>('/api/session', { phone, code }));
      return true;
    } catch (error) {
      if (error instanceof Problem && error.slug === 'not-registered') return false;
      throw error;
    }
  }

  async register(registration: Registration): Promise<void> {
    this.#take(await api.post<Me>('/api/registration', registration));
  }

  async signOut(): Promise<void> {
    await api.delete('/api/session');
    forget(meKey);
    this.me = null;
    this.signedOut = false;
  }

  async update(part: { name?: string; note?: string; consent?: Consent }): Promise<void> {
    this.#take(await api.put<Me>('/api/me', part));
  }

  /** Settings hold on this device at once, and on the hub when she is registered and it answers. */
  async changeSettings(settings: Settings): Promise<void> {
    this.settings = settings;
    remember(settingsKey, JSON.stringify(settings));
    if (this.me === null || this.signedOut) return;
    this.#keep(await api.put<Me>('/api/me', { settings }));
  }

  async setGuardians(guardians: Guardian[]): Promise<void> {
    this.#keep(await api.put<Me>('/api/me/guardians', guardians));
  }

  async setPins(pins: { pin: string; new_pin?: string; duress_pin?: string }): Promise<void> {
    this.#keep(await api.put<Me>('/api/me/pin', pins));
  }

  looks(): Promise<Look[]> {
    return api.get<Look[]>('/api/me/looks');
  }

  #take(me: Me): void {
    this.signedOut = false;
    this.#keep(me);
    this.settings = me.settings;
    remember(settingsKey, JSON.stringify(me.settings));
  }

  #keep(me: Me): void {
    this.me = me;
    remember(meKey, JSON.stringify(me));
  }
}

function read<T>(key: string): T | null {
  const text = recall(key);
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    forget(key);
    return null;
  }
}

export const account = new Account();
