/**
 * The tree by itself: what it holds on to. That it matches right is shown by the model test; here every
 * node and every level must be given back, and a filter that nobody shares levels with must be cheap.
 */
import { assert, describe, it } from "@effect/vitest"
import { SubscriptionTree } from "../../src/router/subscription-tree.ts"

function treeOf(...texts: ReadonlyArray<string>) {
  const tree = new SubscriptionTree((id) => texts[id] as string)
  const bytesOf = (id: number) => Buffer.from(texts[id] as string)
  return {
    tree,
    set: (id: number) => tree.set(texts[id] as string, bytesOf(id), bytesOf(id).length, id),
    get: (id: number) => tree.get(texts[id] as string, bytesOf(id), bytesOf(id).length),
    remove: (id: number) => tree.remove(texts[id] as string, bytesOf(id), bytesOf(id).length)
  }
}

describe("subscription tree", () => {
  it("a filter that shares no level takes one node, however deep it is", () => {
    const { tree, set, get } = treeOf("dev/7/+/state/#")
    set(0)
    assert.deepStrictEqual(tree.size, { nodes: 2, levels: 1 })
    assert.strictEqual(get(0), 0)
  })

  it("gives every node and level back, in whatever order filters go", () => {
    const texts = [
      "a/b/c/d",
      "a/b/c",
      "a/b/c/#",
      "a/+/c/d",
      "a/b/+/d/#",
      "#",
      "+",
      "/#",
      "\u00fc/b/c",
      "a/b/c/d/e/f",
      "a/b"
    ]
    const ids = texts.map((_, id) => id)
    for (const turn of ids) {
      const { tree, set, get, remove } = treeOf(...texts)
      for (const id of ids) set(id)
      for (const id of ids) assert.strictEqual(get(id), id)
      const order = [...ids.slice(turn), ...ids.slice(0, turn)]
      order.forEach((id, gone) => {
        remove(id)
        order.forEach((other, place) => {
          assert.strictEqual(get(other), place <= gone ? -1 : other)
        })
      })
      assert.deepStrictEqual(tree.size, { nodes: 1, levels: 0 })
    }
  })

  it("asserts that what is set was absent and what is removed was there", () => {
    const { set, remove } = treeOf("a/b", "a/b/c")
    set(0)
    assert.throws(() => remove(1))
    set(1)
    assert.throws(() => set(0))
    remove(0)
    assert.throws(() => remove(0))
  })
})
