/** Words for what the server sends as codes: phones, marks, Korean particles. */

/** A Korean phone number as people write it; anything else as it came. */
export function phoneText(phone: string): string {
  const digits = phone.replace(/^\+82/, '0').replace(/\D/g, '');
  const mobile = /^(01\d)(\d{3,4})(\d{4})$/.exec(digits);
  if (mobile) return `${mobile[1]}-${mobile[2]}-${mobile[3]}`;
  const seoul = /^(02)(\d{3,4})(\d{4})$/.exec(digits);
  if (seoul) return `${seoul[1]}-${seoul[2]}-${seoul[3]}`;
  const other = /^(0\d{2})(\d{3,4})(\d{4})$/.exec(digits);
  return other ? `${other[1]}-${other[2]}-${other[3]}` : phone;
}

/** The address that dials a number. */
export function telephone(phone: string): string {
  return `tel:${phone.replace(/[^\d+]/g, '')}`;
}

/** The last consonant of a word's last syllable: 0 for none, 8 for ㄹ; null when it is no Hangul syllable. */
function finalConsonant(word: string): number | null {
  const code = word.charCodeAt(word.length - 1) - 0xac00;
  return code >= 0 && code < 11172 ? code % 28 : null;
}

/** `로` or `으로`, `이` or `가`, … as the word before it asks for. */
export function particle(word: string, kind: 'ro' | 'i' | 'eul'): string {
  const final = finalConsonant(word);
  const closed = final !== null && final !== 0;
  if (kind === 'ro') return closed && final !== 8 ? '으로' : '로';
  if (kind === 'i') return closed ? '이' : '가';
  return closed ? '을' : '를';
}

/** Minutes and seconds: `2:07`, `1:02:07`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
