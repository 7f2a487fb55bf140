/**
 * Settings of `cluster`.
 *
 * Everything but the MQTT port is on loopback until configured, the cluster and metrics ports included (the
 * original opened both to the world without a credential).
 */
import { address, addresses, boolean, text } from "./kinds.ts"
import { section } from "./section.ts"

export const clusterSection = section({
  enabled: boolean({
    flag: "cluster",
    aliases: ["cluster.cluster"],
    fallback: false,
    summary: "Join other brokers."
  }),
  bind: address({
    flag: "cluster-bind",
    aliases: ["cluster.cluster-bind"],
    fallback: "127.0.0.1:7946",
    summary: "Address for other brokers."
  }),
  peers: addresses({ flag: "cluster-peers", fallback: [], mayBeEmpty: true, summary: "Addresses of other brokers." }),
  nodeId: text({
    flag: "node-id",
    fallback: "",
    fallbackWords: "made at the first start",
    pattern: /^[A-Za-z0-9._-]{0,64}$/,
    patternWords: "up to 64 letters, digits, dots, dashes and underscores",
    summary: "Name of this broker among its peers."
  })
})
