/**
 * A new index, whose LMDB file is made when the first commit comes: loading LMDB and making the file take longer than the
 * rest of a small store's start, and nobody needs it before the doors are open (indexer.ts waits until then).
 *
 * Where LMDB cannot be had it is in memory, with one warning. Until the first commit it holds nothing, and a run that
 * commits nothing leaves no file.
 *
 * The file is closed by the scope of make(), thus after the last commit, whenever it was opened.
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { StoreFault } from "../wal/store-fs.ts"
import type { IndexOperation } from "./index-changes.ts"
import type { IndexEntry, IndexMeta } from "./index-values.ts"
import { createLmdb, type LmdbOptions, LmdbUnusable, type OpenedLmdb } from "./lmdb-index.ts"
import { type IndexFailed, MemoryIndex, type StoreIndex } from "./store-index.ts"

const NOTHING: ReadonlyArray<IndexEntry> = []

export class LateIndex implements StoreIndex {
  readonly #create: Effect.Effect<OpenedLmdb | LmdbUnusable>
  #index: StoreIndex | undefined = undefined
  #opened: OpenedLmdb | undefined = undefined

  private constructor(create: Effect.Effect<OpenedLmdb | LmdbUnusable>) {
    this.#create = create
  }

  /** When `makeRoom` is done there is no index in the folder of `options`. */
  static make(
    options: LmdbOptions,
    makeRoom: Effect.Effect<void, StoreFault>
  ): Effect.Effect<LateIndex, never, Scope.Scope> {
    return Effect.map(
      Effect.acquireRelease(Scope.make(), (scope, exit) => Scope.close(scope, exit)),
      (scope) =>
        new LateIndex(
          Effect.andThen(makeRoom, createLmdb(options)).pipe(
            Effect.provideService(Scope.Scope, scope),
            Effect.catch((fault) => Effect.succeed(new LmdbUnusable(fault.message)))
          )
        )
    )
  }

  get meta(): IndexMeta | undefined {
    return this.#index?.meta
  }

  entries(): Iterable<IndexEntry> {
    return this.#index?.entries() ?? NOTHING
  }

  commit(operations: Iterable<IndexOperation>, meta: IndexMeta): Effect.Effect<void, IndexFailed> {
    return Effect.flatMap(this.#made, (index) => index.commit(operations, meta))
  }

  markClean(): void {
    this.#opened?.markClean()
  }

  get #made(): Effect.Effect<StoreIndex> {
    if (this.#index !== undefined) return Effect.succeed(this.#index)
    return Effect.gen({ self: this }, function* () {
      const created = yield* this.#create
      if (created instanceof LmdbUnusable) {
        yield* Effect.logWarning(`there is no LMDB, the index is in memory: ${created.reason}`)
        this.#index = new MemoryIndex()
      } else {
        this.#opened = created
        this.#index = created.index
      }
      return this.#index
    }).pipe(Effect.uninterruptible)
  }
}
