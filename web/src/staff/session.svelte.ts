/** Who is signed in on this page. */
import { api, nodeInfo, Problem } from '../kit/api.ts';
import type { NodeInfo, Staff } from '../kit/types.ts';

export type App = 'console' | 'desk' | 'national';

export class Session {
  readonly app: App;
  staff: Staff | null = $state.raw(null);
  node: NodeInfo | null = $state.raw(null);
  /** `unknown` until the server has answered. */
  phase: 'unknown' | 'out' | 'in' = $state('unknown');
  /** The session ended by itself: say so on the sign-in screen. */
  expired = $state(false);
  unreachable = $state(false);

  constructor(app: App) {
    this.app = app;
  }

  /** Ask who we are; without an answer say so and try again until there is one. */
  async resume(): Promise<void> {
    try {
      this.node = await nodeInfo();
      this.staff = await api.get<Staff>(`/api/${this.app}/me`);
      this.phase = 'in';
      this.unreachable = false;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 401 || error.status === 403) {
        this.phase = 'out';
        this.unreachable = false;
        return;
      }
      this.unreachable = true;
      setTimeout(() => void this.resume(), 2000);
    }
  }

  async signIn(login: string, password: string): Promise<void> {
    this.staff = await api.post<Staff>(`/api/${this.app}/session`, { login, password });
    this.expired = false;
    this.phase = 'in';
  }

  async signOut(): Promise<void> {
    await api.delete(`/api/${this.app}/session`);
    this.staff = null;
    this.phase = 'out';
  }

  /** The server no longer knows the session. */
  end(): void {
    this.staff = null;
    this.expired = true;
    this.phase = 'out';
  }
}
