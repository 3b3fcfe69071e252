/** Korean mobile numbers as people type them. */

/** The digits of a mobile number in national form (01012345678), null when it cannot be one. */
export function normalPhone(text: string): string | null {
  let digits = text.replace(/[^\d+]/g, '');
  if (digits.startsWith('+82')) digits = `0${digits.slice(3).replace(/^0/, '')}`;
  return /^01[016789]\d{7,8}$/.test(digits) ? digits : null;
}

/** 010-1234-5678, for reading. */
export function spokenPhone(digits: string): string {
  return digits.replace(/^(\d{3})(\d{3,4})(\d{4})$/, '$1-$2-$3');
}

/** A PIN has four to six digits. */
export function validPin(pin: string): boolean {
  return /^\d{4,6}$/.test(pin);
}
