/**
 * The cap on user properties: a packet of the largest size could carry hundreds of thousands of tiny ones, and each is
 * handed to every subscriber, to rules and to traces.
 *
 * Free for packets without them: below five bytes times the cap there is nothing to count.
 */
import type { Properties } from "../codec/codec.ts"
import type { Fault } from "../codec/fault.ts"
import { PropertyId } from "../codec/properties.ts"
import type { PublishView } from "../codec/publish-view.ts"
import { propertyEnd } from "../codec/read-properties.ts"
import type { Core } from "./core.ts"
import { tooManyUserProperties } from "./faults.ts"

/** Identifier and two empty texts. */
const USER_PROPERTY_BYTES_MIN = 5

export const hasTooManyUserProperties = (core: Core, view: PublishView): boolean => {
  const { propertiesEnd, propertiesStart } = view
  const { userPropertiesMax } = core.limits
  if (propertiesEnd - propertiesStart <= userPropertiesMax * USER_PROPERTY_BYTES_MIN) return false
  let count = 0
  for (let at = propertiesStart; at < propertiesEnd; at = propertyEnd(view.buffer, at)) {
    if (view.buffer[at] === PropertyId.userProperty && ++count > userPropertiesMax) return true
  }
  return false
}

export const userPropertiesFault = (core: Core, { userProperties }: Properties): Fault | undefined =>
  (userProperties?.length ?? 0) > core.limits.userPropertiesMax ? tooManyUserProperties : undefined
