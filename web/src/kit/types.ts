/**
 * The shapes that travel between the nodes' HTTP APIs and the pages.
 * Times are ISO-8601 UTC with milliseconds; distances and radii are metres.
 */

export type IncidentState = 'armed' | 'alerting' | 'accepted' | 'dispatched' | 'on_scene' | 'closed' | 'cancelled';
export type Trigger = 'hold' | 'shake' | 'key' | 'button' | 'sms' | 'drill' | 'unknown';
export type Agency = '112' | '119';
export type RequestStatus = 'requested' | 'acknowledged' | 'en_route' | 'on_scene' | 'done';
export type Disposition = 'rescued' | 'safe' | 'false_press' | 'prank' | 'test' | 'other';
export type PositionSource = 'gnss' | 'network' | 'manual' | 'unknown';

export type EventType =
  | 'armed' | 'alerted' | 'cancelled' | 'duress' | 'pressed_again'
  | 'routed' | 'ownership_assigned' | 'rung' | 'delivered' | 'seen'
  | 'accepted' | 'claimed' | 'claim_refused' | 'aid_invited' | 'aid_ended' | 'note'
  | 'dispatch_requested' | 'dispatch_updated'
  | 'closing_proposed' | 'closing_rejected' | 'closed';

export interface Position {
  id: string;
  /** Device time of the fix. */
  at: string;
  received_at: string;
  lat: number;
  lon: number;
  /** Radius in metres of the circle that holds the device with `confidence`. */
  radius: number;
  confidence: number;
  speed: number | null;
  heading: number | null;
  battery: number | null;
  source: PositionSource;
  marks: string[];
}

export interface Actor {
  kind: 'person' | 'staff' | 'agency' | 'system';
  id: string;
  name: string;
}

export interface TimelineEvent {
  id: string;
  type: EventType | (string & {});
  /** Hybrid logical clock as 16 hex digits: the sort key. */
  at: string;
  /** `at` as wall-clock time. */
  time: string;
  node: string;
  actor: Actor;
  data: Record<string, unknown>;
}

export interface Guardian {
  name: string;
  phone: string;
}

export interface Person {
  id: string;
  name: string;
  phone: string;
  note: string;
  guardians: Guardian[];
}

export interface Owner {
  code: string;
  name: string;
  epoch: number;
  since: string;
  reason: 'routed' | 'no_ack' | 'handover' | 'claimed' | 'handover_failed' | 'direct' | 'policy';
}

export interface Responsible {
  code: string;
  name: string;
  method: 'contains' | 'overlap' | 'nearest' | 'default';
  approximate: boolean;
}

export interface Party {
  code: string;
  name: string;
  role: 'owner' | 'previous' | 'informed' | 'co_alarmed' | 'aid' | 'aided';
}

export interface DispatchRequest {
  id: string;
  /** A drill's request goes to nobody real. */
  agency: Agency | 'exercise';
  status: RequestStatus;
  at: string;
  by: string;
  center: string;
  unverified: boolean;
  note: string;
  history: { status: RequestStatus; at: string; by: string; note?: string }[];
}

export interface Closing {
  disposition: Disposition;
  by: string;
  by_id: string;
  at: string;
  reason: string;
}

export interface IncidentView {
  id: string;
  state: IncidentState;
  exercise: boolean;
  silent: boolean;
  priority: 'normal' | 'duress';
  trigger: Trigger;
  /** How often she has pressed. */
  presses?: number;
  marks: string[];
  opened_at: string;
  window_ends_at: string | null;
  alerted_at: string | null;
  accepted_at: string | null;
  closed_at: string | null;
  person: Person | null;
  owner: Owner | null;
  responsible: Responsible | null;
  parties: Party[];
  delivered: Record<string, string>;
  seen: Record<string, { at: string; operator: string }>;
  /** Centers that were invited to help, each until its time is over. */
  aid?: { code: string; name: string; until: string; by: string; since: string }[];
  operator: { id: string; name: string; center: string } | null;
  position: Position | null;
  requests: DispatchRequest[];
  closing: Closing | null;
  disposition: Disposition | null;
  superseded: string[];
  events: number;
}

export interface HubLink {
  up: boolean;
  since: string;
}

export interface NodeStatus {
  code: string;
  name: string;
  hub_link: HubLink;
}

export interface SnapshotIncident {
  view: IncidentView;
  timeline: TimelineEvent[];
  track: Position[];
}

export interface Snapshot {
  cursor: number | string;
  now: string;
  node: NodeStatus;
  incidents: SnapshotIncident[];
}

export type Change =
  | { kind: 'event'; incident: string; event: TimelineEvent; view: IncidentView }
  | { kind: 'positions'; incident: string; positions: Position[]; view: IncidentView }
  | ({ kind: 'whole'; incident: string } & SnapshotIncident)
  | { kind: 'gone'; incident: string };

export interface StatusFrame {
  hub_link: HubLink;
  now: string;
}

/** `GET /api/node` */
export interface NodeInfo {
  role: 'hub' | 'center';
  code: string;
  name: string;
  version: string;
  csrf_cookie: string;
  demo: boolean;
  demo_signins?: { app: 'console' | 'desk' | 'national'; login: string; password: string; name: string; agency?: Agency }[];
}

export interface Staff {
  id: string;
  name: string;
  role: 'operator' | 'supervisor' | 'admin' | 'agency' | 'national';
  agency: Agency | 'exercise' | null;
  on_duty: boolean;
}
