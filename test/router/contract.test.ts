/** Both routers pass the one contract suite. */
import { makeNaiveRouter } from "../../src/router/naive-router.ts"
import { makeTreeRouter } from "../../src/router/tree-router.ts"
import { routerContract } from "../contract/router.ts"

routerContract("tree", makeTreeRouter)
routerContract("naive", makeNaiveRouter)
