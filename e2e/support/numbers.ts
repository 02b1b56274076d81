/** Telephones of the simulated carrier. Tests say what each one does. */
export const HOME = '+390212345601';
export const HOME_HZ = 525;
/** A mobile: by default its user is asked to confirm. */
export const MOBILE = '+393331234501';
export const MOBILE_HZ = 585;
export const ROME = '+390698765401';
export const ROME_HZ = 660;
export const LONDON = '+442079460001';
export const LONDON_HZ = 740;
/** Somebody outside who calls. */
export const CALLER = '+393337654321';
export const CALLER_HZ = 1175;
/** Numbers that reach Anna and Marco from outside. */
export const ANNA_DID = '+390212345201';
export const MARCO_DID = '+390212345202';
