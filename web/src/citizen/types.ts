/** The citizen's side of the hub's HTTP API. */
import type { Guardian, IncidentState, Trigger } from '../kit/types.ts';

export interface ShakeSettings {
  enabled: boolean;
  /** 1 (a light shake is enough) to 10 (only a very hard one). */
  strength: number;
}

export interface Settings {
  shake: ShakeSettings;
  silent: boolean;
}

export interface Consent {
  location: boolean;
  video: boolean;
  contact: boolean;
  at?: string;
}

export interface Me {
  id: string;
  name: string;
  phone: string;
  note: string;
  consent: Consent;
  guardians: Guardian[];
  settings: Settings;
  has_duress_pin: boolean;
}

export interface Registration {
  phone: string;
  code: string;
  name: string;
  pin: string;
  duress_pin?: string;
  consent: Consent;
  note?: string;
}

export interface Look {
  at: string;
  who: string;
  center: string;
  what: string;
  why: string;
  incident: string;
}

/** A fix of this device: `at` is its own time, `radius` the 95 % accuracy in metres. */
export interface Fix {
  id: string;
  at: string;
  lat: number;
  lon: number;
  radius: number;
  speed: number | null;
  heading: number | null;
  battery: number | null;
  source: 'unknown';
}

export type Ending = 'cancelled' | 'closed' | 'lost';

/** A press that a center took without the hub. */
export interface DirectReceipt {
  /** Where that center answers. */
  origin: string;
  center: { code: string; name: string };
  /** Opens the incident there, and nothing else. */
  token: string;
  incident: string;
  state: IncidentState;
  window_ends_at: string | null;
}

/** One press as this device keeps it, from before it is sent until she puts it away. */
export interface Press {
  /** Idempotency key: the same press sent twice is one incident. */
  key: string;
  trigger: Trigger;
  pressed_at: string;
  silent: boolean;
  device_id: string;
  battery: number | null;
  position: Fix | null;
  /** Failed attempts so far. */
  attempts: number;
  /** The server refused the full report once: send the bare minimum. */
  bare: boolean;
  incident: string | null;
  /** Set when a center has taken it while the hub was silent; `incident` stays null until the hub has it too. */
  direct?: DirectReceipt | null;
  state: IncidentState | null;
  window_ends_at: string | null;
  owner: { code: string; name: string } | null;
  ended: Ending | null;
  ended_at: string | null;
  /** She has put the ended press away; it is kept only while its positions are still wanted. */
  dismissed: boolean;
}

export interface SosAnswer {
  incident: string;
  key: string;
  state: IncidentState;
  window_ends_at: string | null;
  owner: { code: string; name: string } | null;
  marks: string[];
}
