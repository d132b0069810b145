/** Under which the coordinator writes in the exchange store: reserved, so no authority is called that. */
export const federationPrefix = 'federation';
