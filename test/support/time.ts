/**
 * Time as an input. Only for what is about time that passes (a message that expires) and has no event of its
 * own to wait for; never to wait until something has probably happened.
 */
export const timePasses = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
