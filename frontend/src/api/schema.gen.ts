// Generated from docs/openapi.json by `npm run generate`. Do not edit.

export interface paths {
    "/api/v1/agent/attempts/{id}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Hand over a part of a log
         * @description Accepted only where the stored log ends; a 409 tells where that is.
         */
        put: {
            parameters: {
                query: {
                    /** @description Rank of the task. */
                    rank?: number;
                    /** @description Position of the body's first byte. */
                    offset: number;
                };
                header?: never;
                path: {
                    /** @description Id of the attempt. */
                    id: components["schemas"]["AttemptId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/octet-stream": number[];
                };
            };
            responses: {
                /** @description Stored for good */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LogOffset"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The node's credential is wrong, or the node was removed */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not a node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The node has no such task */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The log ends elsewhere */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LogOffset"];
                    };
                };
                /** @description The body is over 1 MiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away: nothing was stored */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/attempts/{id}/outputs/{index}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Hand over an output
         * @description The body is a tar archive. It is read while it comes in: what does not belong in one is refused, and nothing
         *     is kept of it. Sent again after it was stored, it is answered in the same way.
         */
        put: {
            parameters: {
                query?: {
                    /** @description Rank of the task. */
                    rank?: number;
                };
                header?: never;
                path: {
                    /** @description Id of the attempt. */
                    id: components["schemas"]["AttemptId"];
                    /** @description Place in the job's list of outputs, from 0 */
                    index: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/x-tar": number[];
                };
            };
            responses: {
                /** @description Stored for good */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description A parameter cannot be read, or the body broke off */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The node's credential is wrong, or the node was removed */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not a node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The node has no such task, or its job no such output */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The archive, or a file in it, is over its limit */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The archive holds what it must not */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database or the store is away, or the server takes in as much as it can */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/attempts/{id}/outputs/{index}/failure": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say that an output cannot be handed over */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the attempt. */
                    id: components["schemas"]["AttemptId"];
                    /** @description Place in the job's list of outputs, from 0 */
                    index: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["OutputFailure"];
                };
            };
            responses: {
                /** @description Noted, unless the output is there already */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The node's credential is wrong, or the node was removed */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not a node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The node has no such task, or its job no such output */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 64 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Fields are refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/attempts/{id}/supplies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get what an attempt's container needs
         * @description Only for an attempt that the calling node holds and that has not ended.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the attempt. */
                    id: components["schemas"]["AttemptId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Secrets, registry login and folders of the attempt's container */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Supplies"];
                    };
                };
                /** @description The node's credential is wrong, or the node was removed */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not a node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The node holds no such attempt, or it has ended */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description What the job names is not there any more; `errors` names it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away; ask again later */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Hand over what the node measured
         * @description Samples that are stored already are passed over, and so are tasks that are not the node's: a report may be sent
         *     again.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["MetricsReport"];
                };
            };
            responses: {
                /** @description Stored */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The node's credential is wrong, or the node was removed */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not a node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 4 MiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Fields are refused; `errors` names them */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away: nothing was stored */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Join a cluster
         * @description With a join key as the bearer token. A node that joins again from the same machine keeps its id and gets
         *     a new credential; the old one is void. With a key for one node that node may join again for ten minutes: the answer
         *     to its first try may have been lost.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["RegisterRequest"];
                };
            };
            responses: {
                /** @description The node's id and credential, shown once */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RegisterResponse"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The join key is wrong, expired, used up or revoked */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not a join key */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Another machine of the cluster has this name */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Fields are refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The agent speaks another protocol */
                426: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/streams/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Connect the node's end of a stream
         * @description As the agent was told by `sync`, with the token that it was told.
         */
        get: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The stream's token */
                    "lilac-stream-token"?: string | null;
                };
                path: {
                    /** @description Id of the stream. */
                    id: components["schemas"]["StreamId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description From here on a WebSocket: text messages are `Control`, binary ones data */
                101: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Control"];
                    };
                };
                /** @description The request does not ask for a WebSocket */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The node's credential is wrong, or the node was removed */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not a node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The node is not wanted at such a stream, or another server holds it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/agent/sync": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell what the node does, and learn what it should do
         * @description Answers at once when there is something new for the node, else after a while.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["SyncRequest"];
                };
            };
            responses: {
                /** @description The whole set of attempts that the node should run */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SyncResponse"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The node's credential is wrong, or the node was removed */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not a node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A newer session speaks for this node: `fenced` */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 4 MiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Fields are refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The agent speaks another protocol */
                426: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away; send again later */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caller's API keys, the newest first; revoked ones are not among them. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description All keys of the caller */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_ApiKey"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Makes an API key for the caller. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateApiKey"];
                };
            };
            responses: {
                /** @description The key with its secret: the only time it is shown */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CreatedApiKey"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not a user's credential, or a key without the scope `account` */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The caller has 100 keys in use */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes one of the caller's API keys. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the key. */
                    id: components["schemas"]["ApiKeyId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The key opens nothing any more */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not a user's credential, or a key without the scope `account` */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The caller has no such key */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/arrays/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show an array, with its jobs counted by state */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the array. */
                    id: components["schemas"]["ArrayId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The array */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["JobArray"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such array */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/arrays/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel all jobs of an array
         * @description Those that wait are cancelled at once, those that run are told to stop. Cancelling twice changes nothing.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the array. */
                    id: components["schemas"]["ArrayId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description How many jobs were cancelled or told to stop */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CancelledArray"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not the caller's array */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such array */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who changed what, the latest first. */
        get: {
            parameters: {
                query?: {
                    /** @description Only what this actor did: `user:NAME`. */
                    actor?: string;
                    /** @description Only this action: `queue.update`. */
                    action?: string;
                    /** @description Only what was done to this: `queue:research`. */
                    object?: string;
                    /** @description Only from this time on (RFC 3339). */
                    since?: string;
                    /** @description Only before this time (RFC 3339). */
                    until?: string;
                    /** @description How many entries at most: 1 to 500, 50 by default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of entries */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_AuditEntry"];
                    };
                };
                /** @description A query parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Checks that no entry was changed, taken out or put in. Looks at 200,000 entries a call at most. */
        get: {
            parameters: {
                query?: {
                    /** @description `checked_to` of the call before, to go on from there; the whole log by default. */
                    after?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was found */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AuditCheck"];
                    };
                };
                /** @description A query parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Logs in with name and password. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["LoginRequest"];
                };
            };
            responses: {
                /** @description Logged in. The refresh token comes as the cookie `lilac_refresh` */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LoginResponse"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The username or the password is wrong, or the user is disabled */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A page of another site asks */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is missing, unknown or of the wrong type */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many failed logins for this user; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends this login. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The refresh token, if there was one, is void, and its cookie is cleared */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description A page of another site asks */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who the caller is. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The caller */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["User"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Changes what the caller says about themselves. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["UpdateProfile"];
                };
            };
            responses: {
                /** @description The caller after the change */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["User"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not a user's credential, or a key without the scope `account` */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/auth/methods": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How one can log in here. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What a page for logging in offers besides name and password */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LoginMethods"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/oidc/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Takes a browser back from the provider, and logs the person in. */
        get: {
            parameters: {
                query?: {
                    /** @description Proof of the login. */
                    code?: string;
                    /** @description What the login was begun with. */
                    state?: string;
                    /** @description Why there is no code. */
                    error?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description To the UI, with the refresh token as a cookie; or to its login page, which says what went wrong */
                303: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description A query parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description This server has no provider */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/oidc/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sends a browser to the provider of single sign-on. */
        get: {
            parameters: {
                query?: {
                    /** @description Path of the UI to go to afterwards. */
                    next?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description To the provider */
                303: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description A query parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description This server has no provider */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The provider does not answer */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Changes the caller's password. All logins end; the answer is a new one. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangePassword"];
                };
            };
            responses: {
                /** @description A new login. The refresh token comes as the cookie `lilac_refresh` */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LoginResponse"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not a user's credential, or a key without the scope `account` */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The password was changed by another call meanwhile */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused; `current_password` where it is wrong */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many wrong passwords for this user; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Renews a login. */
        post: {
            parameters: {
                query?: never;
                header: {
                    /** @description Must be `1`: a foreign page cannot send it. */
                    "x-lilac-csrf": string;
                };
                path?: never;
                cookie: {
                    /** @description The refresh token of the login or of the last refresh. */
                    lilac_refresh: string;
                };
            };
            requestBody?: never;
            responses: {
                /** @description A fresh access token; the cookie holds the next refresh token */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LoginResponse"];
                    };
                };
                /** @description The cookie or the header is missing, or the login has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A page of another site asks */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/sign-up": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes an account for oneself, where the server allows it. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["SignUp"];
                };
            };
            responses: {
                /** @description The new member of the default team, who can log in now */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["User"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description This server does not allow it, or a page of another site asks */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The username is taken */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many at once; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All clusters, by name. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description All clusters, with what their living nodes have and what is held of it */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Cluster"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a cluster. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateCluster"];
                };
            };
            responses: {
                /** @description The cluster that was made */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Cluster"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The name is taken */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One cluster. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the cluster. */
                    id: components["schemas"]["ClusterId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The cluster */
                200: {
                    headers: {
                        /** @description Its version */
                        etag?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Cluster"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such cluster */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Deletes a cluster that has no nodes and that no queue feeds. Its join keys go with it. */
        delete: {
            parameters: {
                query?: never;
                header?: {
                    /** @description `ETag` that the change is meant for: refused when the cluster has changed since. */
                    "if-match"?: string | null;
                };
                path: {
                    /** @description Id of the cluster. */
                    id: components["schemas"]["ClusterId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The cluster is deleted */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such cluster */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description It has nodes, or a queue feeds it */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The cluster has changed since the version that `If-Match` names */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes a cluster's policy or patience. */
        patch: {
            parameters: {
                query?: never;
                header?: {
                    /** @description `ETag` that the change is meant for: refused when the cluster has changed since. */
                    "if-match"?: string | null;
                };
                path: {
                    /** @description Id of the cluster. */
                    id: components["schemas"]["ClusterId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["UpdateCluster"];
                };
            };
            responses: {
                /** @description The cluster after the change */
                200: {
                    headers: {
                        /** @description Its version */
                        etag?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Cluster"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such cluster */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The cluster has changed since the version that `If-Match` names */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/clusters/{id}/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The join keys of a cluster, the newest first. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the cluster. */
                    id: components["schemas"]["ClusterId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description All keys of the cluster; the revoked ones say so */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_JoinKey"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such cluster */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a join key for a cluster. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the cluster. */
                    id: components["schemas"]["ClusterId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateJoinKey"];
                };
            };
            responses: {
                /** @description The key with its secret: the only time it is shown */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CreatedJoinKey"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such cluster */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{id}/api-keys/{key_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes a join key. Nodes that joined with it stay. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the cluster. */
                    id: components["schemas"]["ClusterId"];
                    /** @description Id of the key. */
                    key_id: components["schemas"]["JoinKeyId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Nothing joins with the key any more */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The cluster has no such key */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{id}/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The jobs whose latest attempt is or was on a cluster, the newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description Only jobs in these states, separated by commas; all by default. */
                    state?: string;
                    /** @description How many jobs at most: 1 to 500, 50 by default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description Id of the cluster. */
                    id: components["schemas"]["ClusterId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of the cluster's jobs that the caller sees, without their specs */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Job"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such cluster */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{id}/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The nodes of a cluster, by name. */
        get: {
            parameters: {
                query?: {
                    /** @description How many nodes at most: 1 to 500, which is the default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description Id of the cluster. */
                    id: components["schemas"]["ClusterId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of its nodes that are not removed */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Node"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such cluster */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{id}/reservations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Nodes that are kept for jobs.
         * @description So that a large job is not passed by for ever, the nodes of a cluster that have room for it first are kept for the
         *     first in turn of those that found none: others fill in only where that does not delay it.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the cluster. */
                    id: components["schemas"]["ClusterId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What is kept in the cluster as things are, and for which job where the caller sees it */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Reservation"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such cluster */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database does not answer, or too many ask at once */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clusters/{id}/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A cluster in numbers. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the cluster. */
                    id: components["schemas"]["ClusterId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Nodes by state, what there is and what is held */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ClusterStats"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such cluster */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow what changes
         * @description Server-sent events: `job` (a JobEvent), `node` (`{"node_id"}`), `queue` (`{"queue_id"}`). The stream starts now,
         *     or after the job event that `Last-Event-ID` names.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Only this job's events. */
                    job?: components["schemas"]["JobId"];
                };
                header?: {
                    /** @description Id of the last event that was seen */
                    "last-event-id"?: string | null;
                };
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A stream of events */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/event-stream": components["schemas"]["JobEvent"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The caller has as many live streams as one may have */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database does not answer, or the server has as many live streams as it can */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The hooks of the caller's teams, the newest first; never their secrets. */
        get: {
            parameters: {
                query?: {
                    /** @description Only those of this team. */
                    team?: string;
                    /** @description How many items at most: 1 to 500, 50 by default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of hooks, without their secrets */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Hook"];
                    };
                };
                /** @description A query parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a hook for a team. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateHook"];
                };
            };
            responses: {
                /** @description The hook, and its secret where the server made it: it is not shown again */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CreatedHook"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The team has a hook of that name, or 100 hooks */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hooks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One hook, without its secret. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the hook. */
                    id: components["schemas"]["HookId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What is known of the hook */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Hook"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such hook */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Deletes a hook with its deliveries. Jobs that name it tell it nothing any more. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the hook. */
                    id: components["schemas"]["HookId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The hook is gone */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such hook */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes a hook. What waits for a hook that is switched off is given up; what waits for another address goes there. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the hook. */
                    id: components["schemas"]["HookId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["UpdateHook"];
                };
            };
            responses: {
                /** @description The hook as it is now */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Hook"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such hook */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/hooks/{id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a hook was sent and will be, the newest first. Kept for 30 days after its end. */
        get: {
            parameters: {
                query?: {
                    /** @description How many items at most: 1 to 500, 50 by default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description Id of the hook. */
                    id: components["schemas"]["HookId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of deliveries */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Delivery"];
                    };
                };
                /** @description A query parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such hook */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hooks/{id}/deliveries/{delivery_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How far one delivery is. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the hook. */
                    id: components["schemas"]["HookId"];
                    /** @description Id of the delivery. */
                    delivery_id: components["schemas"]["DeliveryId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The delivery */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Delivery"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such hook, or it has no such delivery */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hooks/{id}/deliveries/{delivery_id}/redeliver": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends a delivery once more, with the same id: at once, and with all its tries before it. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the hook. */
                    id: components["schemas"]["HookId"];
                    /** @description Id of the delivery. */
                    delivery_id: components["schemas"]["DeliveryId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is about to be sent */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Delivery"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such hook, or it has no such delivery */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The hook is switched off */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hooks/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Gives a hook another secret. All that is sent from now on is signed with it, later tries of earlier messages too. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the hook. */
                    id: components["schemas"]["HookId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["RotateHook"];
                };
            };
            responses: {
                /** @description The hook, and its secret where the server made it: it is not shown again */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CreatedHook"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such hook */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hooks/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends a hook a message that tells of no job, signed and tried like any other. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the hook. */
                    id: components["schemas"]["HookId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is about to be sent; the delivery tells what becomes of it */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Delivery"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such hook */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The hook is switched off, or 10 tests of it wait already */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List jobs, newest first
         * @description All filters together narrow the list. A cursor goes with the filters and the order of the page that gave it.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Only jobs in these states, separated by commas. */
                    state?: string;
                    /** @description Only jobs of this queue, by name. */
                    queue?: string;
                    /** @description Only jobs of this owner, by username; `me` is the caller. */
                    owner?: string;
                    /** @description Only jobs whose name is this one. */
                    name?: string;
                    /**
                     * @description Only jobs whose name has this text in it, in any case; 1 to 128 characters. Looks at the 50,000 newest
                     *     jobs (from the cursor on) and no further.
                     */
                    text?: string;
                    /** @description Only jobs that stand where they do for one of these reasons, separated by commas. */
                    reason?: string;
                    /** @description Only jobs of this team, by name. */
                    team?: string;
                    /** @description Only the jobs of this array. */
                    array?: components["schemas"]["ArrayId"];
                    /** @description `true` leaves only the first job of each array; its `array` tells how many there are. */
                    folded?: boolean;
                    /** @description Only jobs that were submitted at this time or later. */
                    created_after?: string;
                    /** @description Only jobs that were submitted before this time. */
                    created_before?: string;
                    /** @description Only jobs that ended at this time or later. */
                    finished_after?: string;
                    /** @description Only jobs that ended before this time. */
                    finished_before?: string;
                    /** @description `newest` (first), which is the default, or `oldest`. */
                    sort?: "newest" | "oldest";
                    /** @description Only jobs with this label, as `key=value`; of several, separated by commas, all. */
                    label?: string;
                    /** @description Only jobs whose latest attempt is on this node, by name. */
                    node?: string;
                    /** @description At most this many, 1 to 500; 50 by default. */
                    limit?: number;
                    /** @description Where an earlier page ended: its `next_cursor`. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of jobs, without their specs */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Job"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /**
         * Submit a job
         * @description With an `Idempotency-Key` header a repeated call answers 200 with the job that the first one made.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description 1 to 255 visible ASCII characters; unique to the caller */
                    "idempotency-key"?: string | null;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["JobSpec"];
                };
            };
            responses: {
                /** @description The job that the same key made before */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Job"];
                    };
                };
                /** @description The job is stored for good and waits in its queue */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Job"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The key was used with another body */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Fields are refused; `errors` names them */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away: nothing was stored */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Submit up to 1,000 jobs
         * @description All of them are stored, or none. Within the batch a job may wait for another by `needs: [{job: $name}]`. With
         *     an `Idempotency-Key` header a repeated call answers 200 with the jobs that the first one made.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description 1 to 255 visible ASCII characters; unique to the caller */
                    "idempotency-key"?: string | null;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["BatchRequest"];
                };
            };
            responses: {
                /** @description The jobs that the same key made before */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["BatchResponse"];
                    };
                };
                /** @description The jobs are stored for good and wait in their queues */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["BatchResponse"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The key was used with another body */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 1 MiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Fields are refused; `errors` names them, as `jobs[3].image` */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away: nothing was stored */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel all jobs that match a filter
         * @description Takes the filters of the list of jobs, of which at least one must be given. A member cancels their own jobs
         *     among those that match; an administrator all of them. Jobs that have ended are passed over. One call takes
         *     10,000 jobs at most and says whether there are more.
         */
        post: {
            parameters: {
                query?: {
                    /** @description Only jobs in these states, separated by commas. */
                    state?: string;
                    /** @description Only jobs of this queue, by name. */
                    queue?: string;
                    /** @description Only jobs of this owner, by username; `me` is the caller. */
                    owner?: string;
                    /** @description Only jobs whose name is this one. */
                    name?: string;
                    /**
                     * @description Only jobs whose name has this text in it, in any case; 1 to 128 characters. Looks at the 50,000 newest
                     *     jobs (from the cursor on) and no further.
                     */
                    text?: string;
                    /** @description Only jobs that stand where they do for one of these reasons, separated by commas. */
                    reason?: string;
                    /** @description Only jobs of this team, by name. */
                    team?: string;
                    /** @description Only the jobs of this array. */
                    array?: components["schemas"]["ArrayId"];
                    /** @description `true` leaves only the first job of each array; its `array` tells how many there are. */
                    folded?: boolean;
                    /** @description Only jobs that were submitted at this time or later. */
                    created_after?: string;
                    /** @description Only jobs that were submitted before this time. */
                    created_before?: string;
                    /** @description Only jobs that ended at this time or later. */
                    finished_after?: string;
                    /** @description Only jobs that ended before this time. */
                    finished_before?: string;
                    /** @description `newest` (first), which is the default, or `oldest`. */
                    sort?: "newest" | "oldest";
                    /** @description Only jobs with this label, as `key=value`; of several, separated by commas, all. */
                    label?: string;
                    /** @description Only jobs whose latest attempt is on this node, by name. */
                    node?: string;
                    /** @description At most this many, 1 to 500; 50 by default. */
                    limit?: number;
                    /** @description Where an earlier page ended: its `next_cursor`. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description How many were cancelled or told to stop */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CancelledJobs"];
                    };
                };
                /** @description A parameter cannot be read, or there is no filter */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, a node's credential, or another user's jobs */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/counts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count jobs by state and by why they wait
         * @description Takes the filters of the list. Counts by state, reason, queue, owner and team cost the same however many jobs
         *     there are; with other filters the jobs that match are counted one by one.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Only jobs in these states, separated by commas. */
                    state?: string;
                    /** @description Only jobs of this queue, by name. */
                    queue?: string;
                    /** @description Only jobs of this owner, by username; `me` is the caller. */
                    owner?: string;
                    /** @description Only jobs whose name is this one. */
                    name?: string;
                    /**
                     * @description Only jobs whose name has this text in it, in any case; 1 to 128 characters. Looks at the 50,000 newest
                     *     jobs (from the cursor on) and no further.
                     */
                    text?: string;
                    /** @description Only jobs that stand where they do for one of these reasons, separated by commas. */
                    reason?: string;
                    /** @description Only jobs of this team, by name. */
                    team?: string;
                    /** @description Only the jobs of this array. */
                    array?: components["schemas"]["ArrayId"];
                    /** @description `true` leaves only the first job of each array; its `array` tells how many there are. */
                    folded?: boolean;
                    /** @description Only jobs that were submitted at this time or later. */
                    created_after?: string;
                    /** @description Only jobs that were submitted before this time. */
                    created_before?: string;
                    /** @description Only jobs that ended at this time or later. */
                    finished_after?: string;
                    /** @description Only jobs that ended before this time. */
                    finished_before?: string;
                    /** @description `newest` (first), which is the default, or `oldest`. */
                    sort?: "newest" | "oldest";
                    /** @description Only jobs with this label, as `key=value`; of several, separated by commas, all. */
                    label?: string;
                    /** @description Only jobs whose latest attempt is on this node, by name. */
                    node?: string;
                    /** @description At most this many, 1 to 500; 50 by default. */
                    limit?: number;
                    /** @description Where an earlier page ended: its `next_cursor`. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description How many jobs there are */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["JobCounts"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/groups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count jobs by what they have in common
         * @description Takes the filters of the list. By queue, owner, team and reason it costs the same however many jobs there are; by
         *     anything else the 50,000 newest jobs are looked at and no further.
         */
        get: {
            parameters: {
                query: {
                    /** @description `queue`, `owner`, `team`, `reason`, `name`, `image`, `node` (of the latest attempt's first task), or `label:KEY`. */
                    by: string;
                    /** @description Only jobs in these states, separated by commas. */
                    state?: string;
                    /** @description Only jobs of this queue, by name. */
                    queue?: string;
                    /** @description Only jobs of this owner, by username; `me` is the caller. */
                    owner?: string;
                    /** @description Only jobs whose name is this one. */
                    name?: string;
                    /**
                     * @description Only jobs whose name has this text in it, in any case; 1 to 128 characters. Looks at the 50,000 newest
                     *     jobs (from the cursor on) and no further.
                     */
                    text?: string;
                    /** @description Only jobs that stand where they do for one of these reasons, separated by commas. */
                    reason?: string;
                    /** @description Only jobs of this team, by name. */
                    team?: string;
                    /** @description Only the jobs of this array. */
                    array?: components["schemas"]["ArrayId"];
                    /** @description `true` leaves only the first job of each array; its `array` tells how many there are. */
                    folded?: boolean;
                    /** @description Only jobs that were submitted at this time or later. */
                    created_after?: string;
                    /** @description Only jobs that were submitted before this time. */
                    created_before?: string;
                    /** @description Only jobs that ended at this time or later. */
                    finished_after?: string;
                    /** @description Only jobs that ended before this time. */
                    finished_before?: string;
                    /** @description `newest` (first), which is the default, or `oldest`. */
                    sort?: "newest" | "oldest";
                    /** @description Only jobs with this label, as `key=value`; of several, separated by commas, all. */
                    label?: string;
                    /** @description Only jobs whose latest attempt is on this node, by name. */
                    node?: string;
                    /** @description At most this many, 1 to 500; 50 by default. */
                    limit?: number;
                    /** @description Where an earlier page ended: its `next_cursor`. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The groups, the largest first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["JobGroups"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Say what would become of a job
         * @description A dry run: the job is checked as at its submission, and the scheduler is asked on the present state of the
         *     clusters. Nothing is stored. By the time that the job is submitted, things may stand differently.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["JobSpec"];
                };
            };
            responses: {
                /** @description Whether it would start now, and else why not */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["JobForecast"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Fields are refused; `errors` names them */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or too many ask at once */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a job with its spec */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The job */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Job"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/attempts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A job's attempts, the latest first */
        get: {
            parameters: {
                query?: {
                    /** @description How many items at most: 1 to 500, 50 by default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of attempts, the latest first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Attempt"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel a job
         * @description A waiting job is cancelled at once. A running one is told to stop and is cancelled when its node says so;
         *     until then the answer shows it as it is, with `cancel_requested`. Cancelling twice changes nothing.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The job after the call */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Job"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not the caller's job */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The job has ended already */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A job's history, in order */
        get: {
            parameters: {
                query?: {
                    /** @description How many items at most: 1 to 500, 50 by default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of events, the oldest first */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_JobEvent"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/exec": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Run a program in a job's container
         * @description Opens a stream: connect a WebSocket to `/streams/{id}` within 20 seconds. The program runs beside the job, with
         *     its rights, and ends when the stream does. The audit log keeps the command, and nothing of what is typed.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ExecJob"];
                };
            };
            responses: {
                /** @description The stream, to be connected to once */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["OpenedStream"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not the caller's job */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The job does not run, or its node is not heard from */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Fields are refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description As many streams are open as there may be */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Why a job waits
         * @description One dominant reason with its evidence, the job's place in its queue, who holds what it waits for, when it may
         *     start, and the smallest change that would let it start now.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The explanation */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Explanation"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database does not answer, or too many ask at once */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/extend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Let a job run longer
         * @description Sets how long it may run in all, which must be more than before. A job that runs goes on without a break.
         *     Beyond its queue's limit only an administrator may extend a job.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ExtendJob"];
                };
            };
            responses: {
                /** @description The job after the call */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Job"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not the caller's job */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The job has ended, was told to stop, or has no `max_runtime` */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused: not longer than before, or beyond the queue's limit */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/hold": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Hold a waiting job
         * @description It is not placed until it is released.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["HoldJob"];
                };
            };
            responses: {
                /** @description The job after the call */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Job"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not the caller's job */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The job is not queued */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a part of a log
         * @description The body holds the bytes as the container wrote them; headers say which part it is and whether more may
         *     follow. Before the first attempt it is empty.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Number of the attempt; the latest by default. Also `attempt`. */
                    epoch?: number;
                    /** @description Rank of the task; 0 by default. */
                    rank?: number;
                    /** @description First byte to return. Not together with `tail` or `since`. */
                    offset?: number;
                    /** @description Start this many lines before the end. Not together with `since`. */
                    tail?: number;
                    /** @description Start with what arrived at this time; up to a second of what came before may be with it. */
                    since?: string;
                    /** @description At most this many bytes, 1 to 1048576; 262144 by default. Not for the live stream. */
                    limit?: number;
                };
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Bytes of the log */
                200: {
                    headers: {
                        /** @description Whether the log is whole and the body reaches its end */
                        "lilac-log-complete"?: boolean;
                        /** @description Number of the attempt; 0 before the first */
                        "lilac-log-epoch"?: number;
                        /** @description Where to read on */
                        "lilac-log-next-offset"?: number;
                        /** @description Position of the first byte */
                        "lilac-log-offset"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/octet-stream": number[];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job or attempt, or its log was kept for its time */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database or the store of logs does not answer */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/logs/download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download a log
         * @description The whole of what is stored, as a file; compressed on the way where the client takes gzip.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Number of the attempt; the latest by default. Also `attempt`. */
                    epoch?: number;
                    /** @description Rank of the task; 0 by default. */
                    rank?: number;
                };
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The log */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": string;
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job or attempt, or its log was kept for its time */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database or the store of logs does not answer */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/logs/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Search a log
         * @description Answers the lines that contain a text or match a regular expression. One call covers a part of the log:
         *     go on at `next_offset` until `reached_end`.
         */
        get: {
            parameters: {
                query: {
                    /** @description Text that the line contains, or an expression that it matches; 1 to 512 bytes. */
                    search: string;
                    /**
                     * @description Whether `search` is a regular expression, in the syntax of the crate `regex`; `(?i)` in front
                     *     ignores case.
                     */
                    regex?: boolean;
                    /** @description Number of the attempt; the latest by default. Also `attempt`. */
                    epoch?: number;
                    /** @description Rank of the task; 0 by default. */
                    rank?: number;
                    /** @description Only lines that arrived at this time or later. */
                    since?: string;
                    /** @description Where to begin: the `next_offset` of the answer before. */
                    offset?: number;
                    /** @description At most this many lines, 1 to 1000; 100 by default. */
                    limit?: number;
                };
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Lines that match */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LogMatches"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job or attempt, or its log was kept for its time */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database or the store of logs does not answer */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/logs/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow a log
         * @description Server-sent events: `log` with a part of the log, and at last `end`. Without an epoch it waits for the first
         *     attempt, and goes on with the next one when the job is tried again. `Last-Event-ID` goes on behind the event
         *     that it names, on any server.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Number of the attempt; the latest by default. Also `attempt`. */
                    epoch?: number;
                    /** @description Rank of the task; 0 by default. */
                    rank?: number;
                    /** @description First byte to return. Not together with `tail` or `since`. */
                    offset?: number;
                    /** @description Start this many lines before the end. Not together with `since`. */
                    tail?: number;
                    /** @description Start with what arrived at this time; up to a second of what came before may be with it. */
                    since?: string;
                    /** @description At most this many bytes, 1 to 1048576; 262144 by default. Not for the live stream. */
                    limit?: number;
                };
                header?: {
                    /** @description Id of the last event that was seen */
                    "last-event-id"?: string | null;
                };
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Events `log` (LogChunk) and `end` (LogEnd) */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/event-stream": components["schemas"]["LogChunk"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job or attempt, or its log was kept for its time */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The caller has as many live streams as one may have */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database or the store of logs does not answer, or the server has as many live streams as it can */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a job uses
         * @description CPU, memory, disk, network and GPUs of one of its tasks over time. The latest hours are kept in steps of seconds,
         *     then of a minute, then of a quarter of an hour, as long as the job is kept.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Number of the attempt; the latest by default. */
                    epoch?: number;
                    /** @description Rank of the task; 0 by default. */
                    rank?: number;
                    /** @description From this time on; from its start by default. */
                    since?: string;
                    /** @description Up to this time; to its end by default. */
                    until?: string;
                    /** @description The most points: 1 to 1,000; 300 by default. */
                    points?: number;
                };
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Points in the order of time */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["JobMetrics"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job or attempt */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/outputs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a job's outputs
         * @description Those of its latest attempt, or of the one that is named: whether they are there, and what they hold.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Number of the attempt; the latest by default. Also `attempt`. */
                    epoch?: number;
                    /** @description Rank of the task; 0 by default. */
                    rank?: number;
                };
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The outputs, by rank and place in the spec */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["JobOutput"][];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/outputs/{index}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download an output
         * @description As a tar archive; compressed on the way where the client takes gzip.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Number of the attempt; the latest by default. Also `attempt`. */
                    epoch?: number;
                    /** @description Rank of the task; 0 by default. */
                    rank?: number;
                };
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                    /** @description Place in the job's list of outputs, from 0 */
                    index: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The archive */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/x-tar": number[];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job, attempt or output */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description It is not there yet, could not be had, or was removed; `detail` says which */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database or the store of outputs does not answer */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/outputs/{index}/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Download one file of an output */
        get: {
            parameters: {
                query: {
                    /** @description Path of the file, as the listing shows it. */
                    path: string;
                    /** @description Number of the attempt; the latest by default. Also `attempt`. */
                    epoch?: number;
                    /** @description Rank of the task; 0 by default. */
                    rank?: number;
                };
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                    /** @description Place in the job's list of outputs, from 0 */
                    index: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The file's bytes */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/octet-stream": number[];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job, attempt or output, or no such file in it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description It is not there yet, could not be had, or was removed; `detail` says which */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database or the store of outputs does not answer */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/port-forward": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Reach a port of a job's container
         * @description Opens a stream that is one TCP connection: connect a WebSocket to `/streams/{id}` within 20 seconds.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ForwardPort"];
                };
            };
            responses: {
                /** @description The stream, to be connected to once */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["OpenedStream"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not the caller's job */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The job does not run, or its node is not heard from */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Fields are refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description As many streams are open as there may be */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/receipt": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A job's receipt
         * @description Who ran what, where and when, and what all its attempts held: CPU, GPU and memory time from each grant to
         *     its release. For a job that goes on, up to the moment.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The receipt */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Receipt"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Put a held job back in its queue */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The job after the call */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Job"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not the caller's job */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The job is not held */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/reprioritise": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change the priority of a waiting job
         * @description Of a job that is queued or held. Setting the priority that it has changes nothing.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ReprioritiseJob"];
                };
            };
            responses: {
                /** @description The job after the call */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Job"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not the caller's job */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The job is neither queued nor held */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{id}/rerun": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Run a job once more
         * @description Submits a new job with the same spec, in the caller's name. With an `Idempotency-Key` header a repeated call
         *     answers 200 with the job that the first one made.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description 1 to 255 visible ASCII characters; unique to the caller */
                    "idempotency-key"?: string | null;
                };
                path: {
                    /** @description Id of the job. */
                    id: components["schemas"]["JobId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The job that the same key made before */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Job"];
                    };
                };
                /** @description The new job, stored for good */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Job"];
                    };
                };
                /** @description The key cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such job */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The key was used for something else */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The spec is refused today: its queue is gone, for example */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away: nothing was stored */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All nodes, by name. */
        get: {
            parameters: {
                query?: {
                    /** @description How many nodes at most: 1 to 500, which is the default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of the nodes that are not removed */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Node"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One node. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the node. */
                    id: components["schemas"]["NodeId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The node */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Node"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such node, or it was removed */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /**
         * Attests that a node is dead, and removes it: its jobs are put back in their queues at once.
         * @description The caller answers for it that nothing runs there any more: the platform cannot know, and what still runs
         *     would run twice. The node's credential is void, so it has to join anew.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the node. */
                    id: components["schemas"]["NodeId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The node is removed, its jobs are queued again */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such node, or it was removed */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Sets the labels that stand over those of a node's agent. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the node. */
                    id: components["schemas"]["NodeId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["UpdateNode"];
                };
            };
            responses: {
                /** @description The node with its labels */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Node"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such node, or it was removed */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/nodes/{id}/cordon": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stops new jobs from being placed on a node; those that run there go on. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the node. */
                    id: components["schemas"]["NodeId"];
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": components["schemas"]["CordonNode"] | null;
                };
            };
            responses: {
                /** @description The node, cordoned */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Node"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such node, or it was removed */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{id}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Empties a node. It is cordoned; its jobs may end by themselves for a while; what runs on then is stopped
         *     with its grace and goes back to its queue, uncharged. Uncordoning calls it off.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the node. */
                    id: components["schemas"]["NodeId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["DrainNode"];
                };
            };
            responses: {
                /** @description The node, cordoned, with the drain's deadline */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Node"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such node, or it was removed */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened to a node, the latest first: its latest thousand entries. */
        get: {
            parameters: {
                query?: {
                    /** @description How many items at most: 1 to 500, 50 by default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description Id of the node. */
                    id: components["schemas"]["NodeId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of the node's history */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_NodeEvent"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such node, or it was removed */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{id}/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The jobs whose latest attempt is or was on a node, the newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description Only jobs in these states, separated by commas; all by default. */
                    state?: string;
                    /** @description How many jobs at most: 1 to 500, 50 by default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description Id of the node. */
                    id: components["schemas"]["NodeId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of the node's jobs that the caller sees, without their specs */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Job"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such node, or it was removed */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{id}/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a node uses
         * @description CPU, memory, disk, network and GPUs of the whole machine over time, whoever uses them. The latest hours are kept
         *     in steps of seconds, then of a minute, then of a quarter of an hour, for 30 days.
         */
        get: {
            parameters: {
                query?: {
                    /** @description From this time on; the last hour by default. */
                    since?: string;
                    /** @description Up to this time; now by default. */
                    until?: string;
                    /** @description The most points: 1 to 1,000; 300 by default. */
                    points?: number;
                };
                header?: never;
                path: {
                    /** @description Id of the node. */
                    id: components["schemas"]["NodeId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Points in the order of time, and the GPUs as they stand */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["NodeMetrics"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such node, or it was removed */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{id}/uncordon": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets jobs be placed on a node again, and calls a drain off: what was told to stop already still does. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the node. */
                    id: components["schemas"]["NodeId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The node, not cordoned any more */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Node"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such node, or it was removed */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queues": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All queues that the caller may submit to, in the order in which they are served. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Queues of the caller's teams and those that let them submit: the higher priority first, then by name */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Queue"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a queue. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateQueue"];
                };
            };
            responses: {
                /** @description The queue that was made */
                201: {
                    headers: {
                        /** @description Its version */
                        etag?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Queue"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The name is taken */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queues/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One queue. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the queue. */
                    id: components["schemas"]["QueueId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The queue */
                200: {
                    headers: {
                        /** @description Its version */
                        etag?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Queue"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such queue */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /**
         * Deletes a queue.
         * @description Its ended jobs stay readable. The queue named `default` cannot be deleted. With many unfinished jobs some may
         *     have been cancelled or moved already when the deletion is refused or fails: calling again goes on from there.
         */
        delete: {
            parameters: {
                query?: {
                    /** @description What becomes of jobs that wait or run: `refuse` (the default: the queue stays while there are any), `cancel`, or `move:QUEUE`. */
                    jobs?: string;
                };
                header?: {
                    /** @description `ETag` of the queue that is meant: refused when it has changed since. */
                    "if-match"?: string | null;
                };
                path: {
                    /** @description Id of the queue. */
                    id: components["schemas"]["QueueId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The queue is deleted */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description `jobs` says none of the choices */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such queue */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description It is the default queue; or jobs wait or run in it, and the choice is to refuse; or there is no queue to move them to */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The queue has changed since the version that `If-Match` names */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes a queue's rules. Jobs that run are not touched by it. */
        patch: {
            parameters: {
                query?: never;
                header?: {
                    /** @description `ETag` that the change is meant for: refused when the queue has changed since. */
                    "if-match"?: string | null;
                };
                path: {
                    /** @description Id of the queue. */
                    id: components["schemas"]["QueueId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["UpdateQueue"];
                };
            };
            responses: {
                /** @description The queue after the change */
                200: {
                    headers: {
                        /** @description Its version */
                        etag?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Queue"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such queue */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The queue has changed since the version that `If-Match` names */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/queues/{id}/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The jobs of a queue, the newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description Only jobs in these states, separated by commas; all by default. */
                    state?: string;
                    /** @description How many jobs at most: 1 to 500, 50 by default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description Id of the queue. */
                    id: components["schemas"]["QueueId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of the queue's jobs that the caller sees, without their specs */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Job"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such queue */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queues/{id}/line": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who is next in a queue, and why not yet.
         * @description In the order in which the scheduler would try them as shares are now. Jobs that wait for other jobs, or for their
         *     turn in an array, do not stand in line yet.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the queue. */
                    id: components["schemas"]["QueueId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The next fifty jobs, as far as the caller sees them */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["QueueLine"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such queue */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database does not answer, or too many ask at once */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queues/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts nothing more from a queue; what runs goes on, and jobs are still taken in. */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description `ETag` that the change is meant for: refused when the queue has changed since. */
                    "if-match"?: string | null;
                };
                path: {
                    /** @description Id of the queue. */
                    id: components["schemas"]["QueueId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The queue, paused */
                200: {
                    headers: {
                        /** @description Its version */
                        etag?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Queue"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such queue */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The queue has changed since the version that `If-Match` names */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queues/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts jobs from a paused queue again. */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description `ETag` that the change is meant for: refused when the queue has changed since. */
                    "if-match"?: string | null;
                };
                path: {
                    /** @description Id of the queue. */
                    id: components["schemas"]["QueueId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The queue, not paused any more */
                200: {
                    headers: {
                        /** @description Its version */
                        etag?: string;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Queue"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such queue */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The queue has changed since the version that `If-Match` names */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queues/{id}/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What stands in a queue, and what its jobs hold against its quotas. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the queue. */
                    id: components["schemas"]["QueueId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Jobs by state and user, and what is used of the quotas */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["QueueStats"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such queue */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queues/{id}/waits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How long jobs of a queue waited lately. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the queue. */
                    id: components["schemas"]["QueueId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description How long jobs waited that started within the last 24 hours */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["QueueWaits"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such queue */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/registries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The registry logins of the caller's teams, the newest first; never their passwords. */
        get: {
            parameters: {
                query?: {
                    /** @description Only those of this team. */
                    team?: string;
                    /** @description How many items at most: 1 to 500, 50 by default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of logins, without their passwords */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Registry"];
                    };
                };
                /** @description A query parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Keeps a login to a registry for a team. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateRegistry"];
                };
            };
            responses: {
                /** @description The login is kept, its password sealed */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Registry"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The team has a login of that name, or 100 logins */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/registries/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One login, without its password. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the login. */
                    id: components["schemas"]["RegistryId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What is known of the login */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Registry"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such login */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Deletes a login. Images are pulled without it from now on. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the login. */
                    id: components["schemas"]["RegistryId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The login is gone */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such login */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/schedules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List schedules */
        get: {
            parameters: {
                query?: {
                    /** @description How many items at most: 1 to 500, 50 by default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of schedules, the oldest first, without their specs */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_JobSchedule"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /**
         * Submit a job by the clock
         * @description The body is a job with its `schedule`. From then on a job is submitted whenever the time comes, in the
         *     caller's name; the first one at the first time after now.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["JobSpec"];
                };
            };
            responses: {
                /** @description The schedule that was made */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["JobSchedule"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The team has a schedule of that name, or as many as it may have */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Fields are refused; `errors` names them */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/schedules/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a schedule with its job's spec and its next times */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the schedule. */
                    id: components["schemas"]["ScheduleId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The schedule */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["JobSchedule"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such schedule */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /**
         * Delete a schedule
         * @description Its jobs stay.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the schedule. */
                    id: components["schemas"]["ScheduleId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is gone */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not the caller's schedule */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such schedule */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/schedules/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pause a schedule */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the schedule. */
                    id: components["schemas"]["ScheduleId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The schedule after the call */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["JobSchedule"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not the caller's schedule */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such schedule */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/schedules/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resume a schedule
         * @description It fires next at its first time after now.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the schedule. */
                    id: components["schemas"]["ScheduleId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The schedule after the call */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["JobSchedule"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not the caller's schedule */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such schedule */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/schedules/{id}/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Submit a schedule's job now
         * @description In its owner's name, beside its times. A job of the time before that has not ended is treated as at any time.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the schedule. */
                    id: components["schemas"]["ScheduleId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The job, stored for good */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Job"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Not the caller's schedule */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such schedule */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Its owner is disabled, or the job of the time before has not ended */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The job is refused today */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away: nothing was stored */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/secrets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The secrets of the caller's teams, the newest first; never their values. */
        get: {
            parameters: {
                query?: {
                    /** @description Only those of this team. */
                    team?: string;
                    /** @description How many items at most: 1 to 500, 50 by default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of secrets, without their values */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_StoredSecret"];
                    };
                };
                /** @description A query parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Keeps a secret for a team. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateSecret"];
                };
            };
            responses: {
                /** @description The secret is kept, sealed; its value is not shown again */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["StoredSecret"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The team has a secret of that name, or 1,000 secrets */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/secrets/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One secret, without its value. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the secret. */
                    id: components["schemas"]["SecretId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What is known of the secret */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["StoredSecret"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such secret */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Replaces a secret's value. What starts from now on gets the new one. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the secret. */
                    id: components["schemas"]["SecretId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ReplaceSecret"];
                };
            };
            responses: {
                /** @description The secret with its next version */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["StoredSecret"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such secret */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Deletes a secret. Jobs that name it and have not started will fail to. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the secret. */
                    id: components["schemas"]["SecretId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The secret is gone */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such secret */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/server": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Facts about the server that its users may know. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Its version, how one logs in, and how long it keeps things */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ServerFacts"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/streams/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Connect to a stream
         * @description A WebSocket of the subprotocol `lilac.stream.v1`, once for each stream, by who opened it. A binary message is a
         *     byte that names the channel (0 input, 1 output, 2 standard error) and data; a text message is a
         *     `Control` as JSON. A browser, which cannot send a credential, offers the stream's ticket as a second subprotocol.
         *     Messages have 64 KiB at most. The user says nothing before `started`. It ends with the program or connection, with the job's attempt,
         *     when the caller's credential ends, or after 30 minutes in which nothing flows.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the stream. */
                    id: components["schemas"]["StreamId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description From here on a WebSocket: text messages are `Control`, binary ones data */
                101: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Control"];
                    };
                };
                /** @description The request does not ask for a WebSocket */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A viewer, or a node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The caller opened no such stream, or it was connected to or has expired */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The server carries as many streams as it can */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/teams": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caller's teams, the oldest first; all for administrators. */
        get: {
            parameters: {
                query?: {
                    /** @description How many items at most: 1 to 500, 50 by default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of teams */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Team"];
                    };
                };
                /** @description A query parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a team. Nobody is in it yet. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateTeam"];
                };
            };
            responses: {
                /** @description The team that was made */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Team"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The name is taken */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/teams/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One team. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the team. */
                    id: components["schemas"]["TeamId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The team */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Team"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The caller is in no such team */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Deletes a team that owns nothing any more. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the team. */
                    id: components["schemas"]["TeamId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The team is gone */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such team */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The team owns queues, jobs or secrets, or is `default` */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes a team's name. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the team. */
                    id: components["schemas"]["TeamId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["UpdateTeam"];
                };
            };
            responses: {
                /** @description The team after the change */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Team"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such team */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The name is taken, or the team is `default` */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/teams/{id}/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is in a team, in the order in which they came. */
        get: {
            parameters: {
                query?: {
                    /** @description How many items at most: 1 to 500, 50 by default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description Id of the team. */
                    id: components["schemas"]["TeamId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of its members */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_TeamMember"];
                    };
                };
                /** @description A query parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The caller is in no such team */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/teams/{id}/members/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Puts a user into a team. Twice is as good as once. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the team. */
                    id: components["schemas"]["TeamId"];
                    /** @description Id of the user. */
                    user_id: components["schemas"]["UserId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The user is in the team */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such team or no such user */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Takes a user out of a team, who then sees nothing of it any more. Their jobs there go on. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the team. */
                    id: components["schemas"]["TeamId"];
                    /** @description Id of the user. */
                    user_id: components["schemas"]["UserId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The user is not in the team any more */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The team has no such member */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What was held, and how long jobs waited
         * @description Of the jobs that the caller sees, over the last hours: what their attempts held of nodes at 96 moments, and how
         *     long those that were started waited, by queue. Looks at the 200,000 latest attempts and no further.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Hours up to now, 1 to 168; 24 by default. */
                    hours?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Points in the order of time, and waiting times by queue */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PlatformUsage"];
                    };
                };
                /** @description A parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A node's credential */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All users, the oldest first. */
        get: {
            parameters: {
                query?: {
                    /** @description How many items at most: 1 to 500, 50 by default. */
                    limit?: number;
                    /** @description `next_cursor` of the page before. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A page of users */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_User"];
                    };
                };
                /** @description A query parameter cannot be read */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Adds a user. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateUser"];
                };
            };
            responses: {
                /** @description The user that was added */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["User"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The username is taken */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One user. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the user. */
                    id: components["schemas"]["UserId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The user */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["User"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such user */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Deletes a user who has left no trace. One who has submitted jobs can be disabled only. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the user. */
                    id: components["schemas"]["UserId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The user is gone, with all logins and API keys */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such user */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The user has jobs, or it would leave no administrator */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes a user's role or password, or disables the user. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the user. */
                    id: components["schemas"]["UserId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["UpdateUser"];
                };
            };
            responses: {
                /** @description The user after the change. A new password and disabling end all logins */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["User"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such user */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description It would leave no administrator */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/users/{id}/reset-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Gives a user a made-up password, good for one login, which must change it. All logins of the user end. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the user. */
                    id: components["schemas"]["UserId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The password: the only time it is shown */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ResetPassword"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such user */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/volumes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The volumes that jobs of the caller's teams may mount, by name. There are 1,000 at most. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description All volumes that the caller's teams may mount */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Volume"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Allows jobs to mount a folder of the nodes. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateVolume"];
                };
            };
            responses: {
                /** @description The volume that was made */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Volume"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The name is taken, or there are 1,000 volumes */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/volumes/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One volume. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the volume. */
                    id: components["schemas"]["VolumeId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The volume */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Volume"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A credential that is not for users' routes */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such volume */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Deletes a volume; the folder on the nodes stays. Jobs that name it and have not started will fail to. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the volume. */
                    id: components["schemas"]["VolumeId"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The volume is gone */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such volume */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes who may mount a volume, where, and how. Its folder stays: make another volume for another folder. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Id of the volume. */
                    id: components["schemas"]["VolumeId"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["UpdateVolume"];
                };
            };
            responses: {
                /** @description The volume after the change */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Volume"];
                    };
                };
                /** @description The body is not JSON */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such volume */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body did not arrive in time */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is over 256 KiB */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body is not declared as JSON */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description A field is refused */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the server lives
         * @description Answered as long as the process serves at all, with or without its database: what fails here wants a restart.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It lives: `ok` */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": string;
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Metrics for Prometheus
         * @description On the server's own address for administrators only, as they tell how busy everybody is. With
         *     `LILAC_METRICS_LISTEN` they have an address of their own, where the network decides who may look.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description All metrics in Prometheus' text format */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": string;
                    };
                };
                /** @description No valid credential */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Only an administrator may do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database is away, or the server is overloaded; see `Retry-After` */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the server takes requests
         * @description Not while its database is away, nor once it was told to stop: a balancer sends requests elsewhere then.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It takes requests: `ready` */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": string;
                    };
                };
                /** @description Too many requests; see `Retry-After` */
                429: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description The database does not answer, or the server is stopping */
                503: {
                    headers: {
                        /** @description Seconds to wait before the next try. */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Amounts of what a node has. */
        Amounts: {
            /**
             * Format: int32
             * @description CPUs in thousandths.
             */
            cpu_milli: number;
            /**
             * Format: int64
             * @description Disk space.
             */
            disk_bytes: number;
            /**
             * Format: int32
             * @description GPUs: how many, or which.
             */
            gpus: number;
            /**
             * Format: int64
             * @description Memory.
             */
            memory_bytes: number;
        };
        /** @description A key with which programs act as a user. Its secret is shown once, when it is made. */
        ApiKey: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it ends; absent for never.
             */
            expires_at?: string | null;
            id: components["schemas"]["ApiKeyId"];
            /**
             * Format: date-time
             * @description To within a minute.
             */
            last_used_at?: string | null;
            /** @description Its name. */
            name: string;
            /** @description What its secret begins with, which is no secret: by this it is told where it is found. */
            prefix?: string;
            /** @description What it may be used for. */
            scopes?: components["schemas"]["Scope"][];
        };
        /**
         * Format: uuid
         * @description A user's API key.
         */
        ApiKeyId: string;
        /** @description One submit that makes many jobs, which differ in `LILAC_ARRAY_INDEX` and in the values of a matrix. */
        Array: {
            /**
             * Format: int32
             * @description How many jobs, 1 to 100000. Not together with `matrix`.
             */
            count?: number | null;
            /**
             * @description Variables with their values: one job for each combination, the last variable changing fastest (they
             *     are taken in the order of their names). Each is in the environment under its name.
             */
            matrix?: {
                [key: string]: string[];
            };
            /**
             * Format: int32
             * @description Once more than this many have failed, those that wait are cancelled; never by default.
             */
            max_failures?: number | null;
            /**
             * Format: int32
             * @description At most this many of them are started at a time; all that fit by default.
             */
            max_parallel?: number | null;
        };
        /**
         * Format: uuid
         * @description One submit that made many jobs.
         */
        ArrayId: string;
        /** @description Where a job stands in its array. */
        ArrayPlace: {
            id: components["schemas"]["ArrayId"];
            /**
             * Format: int32
             * @description 0, 1, 2 … in the array; `LILAC_ARRAY_INDEX` in the container.
             */
            index: number;
            /**
             * Format: int32
             * @description How many jobs the array has.
             */
            size: number;
        };
        /**
         * @description Where an array stands, as its jobs say.
         * @enum {string}
         */
        ArrayState: "queued" | "running" | "succeeded" | "failed" | "cancelled";
        /** @description One try at a job. */
        Attempt: {
            /**
             * Format: int32
             * @description Which of the job's alternatives it was given, from 1 on; absent for the resources that the job asks for first.
             */
            alternative?: number | null;
            /**
             * Format: int32
             * @description Number of the attempt; grows for ever and is never reused.
             */
            epoch: number;
            /**
             * Format: int32
             * @description Exit code of the container's process.
             */
            exit_code?: number | null;
            /**
             * Format: date-time
             * @description When it ended.
             */
            finished_at?: string | null;
            /**
             * Format: date-time
             * @description When the attempt was given to its nodes.
             */
            granted_at: string;
            id: components["schemas"]["AttemptId"];
            job_id: components["schemas"]["JobId"];
            /**
             * Format: date-time
             * @description Until when its nodes may run it without hearing from the control plane; only while it is live.
             */
            lease_until?: string | null;
            /** @description A sentence for people. */
            message: string;
            reason?: components["schemas"]["Reason"] | null;
            /**
             * Format: int32
             * @description Signal that ended the container's process.
             */
            signal?: number | null;
            /**
             * Format: date-time
             * @description When the user's code began to run.
             */
            started_at?: string | null;
            state: components["schemas"]["AttemptState"];
            /** @description One task per rank. */
            tasks: components["schemas"]["Task"][];
        };
        /**
         * Format: uuid
         * @description One try at a job.
         */
        AttemptId: string;
        /** @description What the agent knows of one attempt. */
        AttemptReport: {
            attempt_id: components["schemas"]["AttemptId"];
            /**
             * Format: int32
             * @description Number of the attempt; each new one is larger.
             */
            epoch: number;
            image?: components["schemas"]["TaskImage"] | null;
            /** @description Of a job on several nodes: its container is made, and is not started before those of the others are. */
            is_ready?: boolean;
            phase: components["schemas"]["Phase"];
            ports?: components["schemas"]["TakenPorts"] | null;
            result?: components["schemas"]["TaskResult"] | null;
            /**
             * Format: date-time
             * @description When the container started, by the node's clock.
             */
            started_at?: string | null;
        };
        /**
         * @description Where one try at a job stands.
         * @enum {string}
         */
        AttemptState: "granted" | "preparing" | "running" | "stopping" | "succeeded" | "failed" | "cancelled" | "preempted" | "lost";
        /** @description Whether the chain of the audit log holds. */
        AuditCheck: {
            /**
             * Format: int64
             * @description Sequence of the last entry that was looked at.
             */
            checked_to: number;
            /** @description Whether that is the whole log. Otherwise go on with `after`. */
            complete: boolean;
            /**
             * Format: int64
             * @description Sequence of the first entry that is changed or missing.
             */
            first_broken?: number | null;
            /** @description Whether no entry that was looked at is changed, missing or inserted. */
            valid: boolean;
        };
        /** @description One change. */
        AuditEntry: {
            /** @description What was done: `queue.update`, `user.create` … */
            action: string;
            /** @description `user:NAME`, or `server`. */
            actor: string;
            /**
             * Format: date-time
             * @description When it happened.
             */
            at: string;
            /** @description What became of it. Never a secret. */
            details: unknown;
            /** @description What it was done to: its kind with its name or id, as in `queue:research`. */
            object: string;
            /**
             * Format: int64
             * @description Counts the entries from 1, without a gap.
             */
            sequence: number;
        };
        /** @description The wait before the n-th retry: `initial` × `factor`^(n-1), at most `max`. */
        Backoff: {
            /**
             * Format: int32
             * @description 1 to 10; 2 by default.
             */
            factor?: number;
            /** @description 10s by default. */
            initial?: components["schemas"]["Span"];
            /** @description 10m by default. */
            max?: components["schemas"]["Span"];
        };
        /** @description Several jobs, stored all or none. */
        BatchRequest: {
            /** @description 1 to 1000 jobs; none of them an array or a schedule. */
            jobs: components["schemas"]["JobSpec"][];
        };
        /** @description The jobs of a batch. */
        BatchResponse: {
            /** @description In the order in which they were sent, without their specs. */
            jobs: components["schemas"]["Job"][];
        };
        /** @description A job that holds what another waits for. */
        Blocker: {
            /**
             * Format: date-time
             * @description When it has ended at the latest, where its time is bounded.
             */
            ends_by?: string | null;
            job_id: components["schemas"]["JobId"];
            /** @description Its name. */
            name: string;
            /** @description Username of who submitted it. */
            owner: string;
        };
        /**
         * @description bytes as 512Mi, 128Gi or a plain number
         * @example 128Gi
         */
        Bytes: string;
        /** @description An image that a node has. */
        CachedImage: {
            /**
             * Format: int64
             * @description Size on the node.
             */
            bytes: number;
            /** @description `sha256:…` */
            id: string;
            /** @description Names under which a job gets it without a pull, `busybox:1.36` or `registry/app@sha256:…`; at most 4. */
            names: string[];
        };
        /** @description How many jobs of an array a call reached. */
        CancelledArray: {
            /**
             * Format: int64
             * @description Jobs that were cancelled, or told to stop.
             */
            cancelled: number;
        };
        /** @description How many jobs a cancel by filter reached. */
        CancelledJobs: {
            /**
             * Format: int64
             * @description Jobs that were cancelled, or told to stop.
             */
            cancelled: number;
            /** @description More match than one call takes: call again. */
            has_more: boolean;
        };
        /** @description One thing to change. */
        Change: {
            /** @description The constraints to leave out. */
            constraints?: string[];
            /** @description What kind of change. */
            kind: components["schemas"]["ChangeKind"];
            /** @description The change in a sentence. */
            message: string;
            /** @description Name of the node that it is about. */
            node?: string | null;
            /**
             * Format: int32
             * @description On how many nodes the job would run instead, or how many are to be added.
             */
            nodes?: number | null;
            /** @description Name of the queue that it is about. */
            queue?: string | null;
            quota?: components["schemas"]["Quota"] | null;
            requests?: components["schemas"]["Amounts"] | null;
        };
        /**
         * @description What kind of change.
         * @enum {string}
         */
        ChangeKind: "ask-for-less" | "any-gpu" | "drop-constraints" | "uncordon" | "bring-back" | "resume-queue" | "raise-quota" | "raise-user-quota" | "add-node" | "feed-cluster" | "release" | "fewer-nodes" | "drop-same";
        ChangePassword: {
            current_password: components["schemas"]["Secret"];
            /** @description 10 to 256 characters, and another than the current one. */
            new_password: components["schemas"]["Secret"];
        };
        /** @description A set of nodes that share a policy. */
        Cluster: {
            /** @description What live attempts hold of it. */
            allocated: components["schemas"]["Amounts"];
            /** @description What its living nodes have. */
            capacity: components["schemas"]["Amounts"];
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            id: components["schemas"]["ClusterId"];
            /** @description How long a node may be silent before its jobs count as lost, where the job does not say. */
            max_disconnect: components["schemas"]["Span"];
            /** @description Its name. */
            name: string;
            /**
             * Format: int32
             * @description How many nodes it has.
             */
            nodes: number;
            /**
             * Format: int32
             * @description Nodes that are ready or cordoned, and heard from lately.
             */
            nodes_alive: number;
            placement_policy: components["schemas"]["PlacementPolicy"];
        };
        /**
         * Format: uuid
         * @description A set of nodes that share a policy.
         */
        ClusterId: string;
        /** @description A cluster in numbers. */
        ClusterStats: {
            /** @description What live attempts hold of it. */
            allocated: components["schemas"]["Amounts"];
            /** @description What its living nodes have. */
            capacity: components["schemas"]["Amounts"];
            /** @description Nodes by state; a state without a node is 0. */
            nodes: {
                [key: string]: number;
            };
            /**
             * Format: int32
             * @description Attempts that hold a part of it, whoever's they are.
             */
            running_jobs: number;
        };
        /**
         * @description what must hold of a node: `label.pool == a`, `label.pool in (a, b)`, `node != n7`
         * @example label.pool == a
         */
        Constraint: string;
        /**
         * @description What the containers of a queue may do on their node.
         * @enum {string}
         */
        ContainerPolicy: "restricted" | "strict" | "trusted";
        /** @description What a text message says. */
        Control: "started" | {
            /** @description From the user: the terminal has another size. */
            resize: components["schemas"]["TerminalSize"];
        } | "end" | {
            /**
             * Format: int32
             * @description From the agent: the program ended with this exit code. Nothing comes after it.
             */
            exited: number;
        } | {
            /** @description From the agent or the server: it did not come about, or broke off; why, in a sentence. Nothing comes after it. */
            failed: string;
        };
        /** @description Why a node is cordoned. */
        CordonNode: {
            /** @description A sentence for the others, at most 500 characters. */
            reason?: string;
        };
        /**
         * @description CPUs as 2, 0.5 or 500m
         * @example 500m
         */
        Cpus: string;
        /** @description What a new key is to be. */
        CreateApiKey: {
            expires_in?: components["schemas"]["Span"] | null;
            /** @description What it is for; 1 to 63 characters. */
            name: string;
            /** @description What it may be used for; all that the caller's own credential may by default. */
            scopes?: components["schemas"]["Scope"][] | null;
        };
        /** @description What a new cluster is to be. */
        CreateCluster: {
            max_disconnect?: components["schemas"]["Span"] | null;
            /** @description 1 to 63 characters of letters, digits, `.`, `_`, `-`. */
            name: string;
            placement_policy?: components["schemas"]["PlacementPolicy"];
        };
        /** @description A hook, to be made for a team. */
        CreateHook: {
            /**
             * @description States that it may be told of, among `running`, `held`, `succeeded`, `failed` and `cancelled`; all of
             *     them by default.
             */
            events?: components["schemas"]["JobState"][];
            /** @description 1 to 63 characters of letters, digits, `.`, `_`, `-`. */
            name: string;
            secret?: components["schemas"]["Secret"] | null;
            /** @description Name of the team; the caller's only one by default. */
            team?: string | null;
            /**
             * @description `https://host/path`, at most 2048 bytes, without a user or a fragment. Hosts of private networks are
             *     refused unless the server's operator allowed them.
             */
            url: string;
        };
        /** @description What a new join key is to be. */
        CreateJoinKey: {
            expires_in?: components["schemas"]["Span"] | null;
            /** @description What it is for; 1 to 63 characters. */
            name: string;
            /** @description Whether several nodes may join with it. */
            reusable?: boolean;
        };
        /** @description What a new queue is to be. */
        CreateQueue: {
            /** @description Names of clusters, the preferred first; at least one. */
            clusters: string[];
            default_max_runtime?: components["schemas"]["Span"] | null;
            /** @description At most what the quota allows. */
            guaranteed?: components["schemas"]["Guarantee"];
            limits?: components["schemas"]["JobLimits"];
            /** @description 1 to 63 characters of letters, digits, `.`, `_`, `-`. */
            name: string;
            /** @description `bridge` and `none` by default; at least one. */
            networks?: components["schemas"]["Network"][];
            policy?: components["schemas"]["ContainerPolicy"];
            /** @description `lower-priority` by default. */
            preemption?: components["schemas"]["Preemption"];
            /**
             * Format: int32
             * @description -1000 to 1000; 0 by default.
             */
            priority?: number;
            quota?: components["schemas"]["Quota"];
            run_as?: components["schemas"]["RunAs"];
            submitters?: components["schemas"]["Submitters"];
            /** @description Name of the team that it is for; `default` by default. */
            team?: string;
            user_quota?: components["schemas"]["Quota"];
            /**
             * Format: int32
             * @description 1 to 1000; 1 by default.
             */
            weight?: number;
        };
        /** @description A login to a registry, to be kept for a team. */
        CreateRegistry: {
            /** @description 1 to 63 characters of letters, digits, `.`, `_`, `-`. */
            name: string;
            /** @description 1 byte to 64 KiB. */
            password: components["schemas"]["Secret"];
            /** @description `host` or `host:port`, without `https://`; `docker.io` for images without one. */
            server: string;
            /** @description Name of the team; the caller's only one by default. */
            team?: string | null;
            /** @description 1 to 255 characters. */
            username: string;
        };
        /** @description A secret, to be kept for a team. */
        CreateSecret: {
            /** @description 1 to 63 characters of letters, digits, `.`, `_`, `-`. */
            name: string;
            /** @description Name of the team; the caller's only one by default. */
            team?: string | null;
            /** @description 1 byte to 64 KiB, without NUL. */
            value: components["schemas"]["Secret"];
        };
        CreateTeam: {
            /** @description 1 to 63 characters of letters, digits, `.`, `_`, `-`. */
            name: string;
        };
        /** @description What a new user is to be. */
        CreateUser: {
            /** @description Whether the user must choose another password at the first login. */
            must_change_password?: boolean;
            /** @description 10 to 256 characters. */
            password: components["schemas"]["Secret"];
            role: components["schemas"]["Role"];
            /** @description Names of the teams that the user is in; `default` alone by default. */
            teams?: string[];
            /** @description 1 to 63 characters of letters, digits, `.`, `_`, `-`. */
            username: string;
        };
        /** @description A folder of the nodes that jobs may mount. */
        CreateVolume: {
            /**
             * @description Names of the clusters on whose nodes the folder is; all by default. A queue must feed no others for its
             *     jobs to mount the volume.
             */
            clusters?: string[];
            /** @description Absolute path of a folder on the nodes, written out; none that holds the system's own things. */
            host_path: string;
            /** @description 1 to 63 characters of letters, digits, `.`, `_`, `-`. */
            name: string;
            /** @description Whether jobs may only read it, whatever they ask for. */
            read_only?: boolean;
            /** @description Names of the teams whose jobs may mount it; all by default. */
            teams?: string[];
        };
        /** @description An API key with its secret: the only time it is shown. */
        CreatedApiKey: {
            key: components["schemas"]["ApiKey"];
            /** @description `lilac_pat_…` */
            secret: components["schemas"]["Secret"];
        };
        /** @description A hook with its secret, where the server made that: the only time it is shown. */
        CreatedHook: {
            hook: components["schemas"]["Hook"];
            secret?: components["schemas"]["Secret"] | null;
        };
        /** @description A join key with its secret: the only time it is shown. */
        CreatedJoinKey: {
            key: components["schemas"]["JoinKey"];
            /** @description `lilac_join_…` */
            secret: components["schemas"]["Secret"];
        };
        /** @description One message to a hook. */
        Delivery: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            event: components["schemas"]["HookEvent"];
            id: components["schemas"]["DeliveryId"];
            job_id?: components["schemas"]["JobId"] | null;
            /** @description Why the last try went wrong, if it did. */
            last_error?: string | null;
            /**
             * Format: date-time
             * @description When it was last sent.
             */
            last_try_at?: string | null;
            /**
             * Format: date-time
             * @description When it is sent next, while it is pending.
             */
            next_try_at?: string | null;
            /**
             * Format: date-time
             * @description When it was delivered or given up.
             */
            settled_at?: string | null;
            state: components["schemas"]["DeliveryState"];
            /**
             * Format: int32
             * @description What the receiver answered last, if it did.
             */
            status?: number | null;
            /**
             * Format: int32
             * @description How often it was sent since it was made or asked for anew; 10 times at most.
             */
            tries: number;
        };
        /**
         * Format: uuid
         * @description One message to a hook.
         */
        DeliveryId: string;
        /**
         * @description How far a delivery is.
         * @enum {string}
         */
        DeliveryState: "pending" | "delivered" | "given-up";
        /** @description One attempt that the node owns. */
        DesiredAttempt: {
            attempt_id: components["schemas"]["AttemptId"];
            /**
             * Format: int32
             * @description Number of the attempt; each new one is larger.
             */
            epoch: number;
            /** @description Of a job on several nodes: all ranks are ready, so its container may be started. */
            go?: boolean;
            /**
             * Format: int64
             * @description The lease lasts this long, counted from when the request was *sent*: the agent must have
             *     ended the attempt by then unless it hears again.
             */
            lease_ms: number;
            max_runtime?: components["schemas"]["Span"] | null;
            /** @description Whether to stop it. */
            stop: boolean;
            stop_within?: components["schemas"]["Span"] | null;
            task?: components["schemas"]["TaskSpec"] | null;
        };
        /**
         * @description What a job can ask for of a node.
         * @enum {string}
         */
        Dimension: "cpus" | "memory" | "disk" | "gpus" | "nodes";
        /** @description How to empty a node. */
        DrainNode: {
            /** @description A sentence for the others, at most 500 characters. */
            reason?: string;
            /** @description How long its jobs may take to end by themselves: 0s to 30d. */
            within: components["schemas"]["Span"];
        };
        /**
         * @description What runs a node's jobs.
         * @enum {string}
         */
        Engine: "docker" | "podman" | "process";
        /**
         * @description What an entry of an archive is.
         * @enum {string}
         */
        EntryKind: "file" | "folder" | "link";
        /**
         * @description What went wrong, as a word that programs may rely on.
         * @enum {string}
         */
        ErrorCode: "malformed-json" | "malformed-request" | "unauthenticated" | "forbidden" | "password-change-required" | "not-found" | "method-not-allowed" | "request-timeout" | "conflict" | "name-taken" | "idempotency-mismatch" | "fenced" | "version-mismatch" | "too-large" | "unsupported-media-type" | "invalid-field" | "upgrade-required" | "too-many-requests" | "internal" | "unavailable";
        /** @description When a job may start. */
        Estimate: {
            /** @description What the estimate rests on, in a sentence. */
            basis: string;
            /**
             * Format: date-time
             * @description Not before this time.
             */
            earliest: string;
            /**
             * Format: date-time
             * @description Absent where a job that has no bound on its time is in the way.
             */
            latest?: string | null;
        };
        /**
         * @description How nodes stand to one thing that a job asks for. Of all nodes of its queue's clusters those are looked at that
         *     take jobs and that its constraints allow, or, where there is none, all.
         */
        Evidence: {
            /**
             * Format: int64
             * @description How much the job asks for.
             */
            asked: number;
            /** @description Of what. */
            dimension: components["schemas"]["Dimension"];
            /**
             * Format: int64
             * @description The most that one of them has in all.
             */
            most: number;
            /**
             * Format: int64
             * @description The most that one of them has free.
             */
            most_free: number;
            /**
             * Format: int32
             * @description Nodes that were looked at.
             */
            nodes: number;
            /**
             * Format: int32
             * @description Those of them that have too little of it free.
             */
            nodes_lacking: number;
        };
        /** @description A program to run in a job's container, beside the job. */
        ExecJob: {
            /** @description The program and its arguments: 1 to 256 words, 32 KiB together. */
            command: string[];
            /** @description Environment beside that of the job. */
            env?: {
                [key: string]: string;
            };
            /** @description Whether it gets an input; otherwise its input is at its end from the start. */
            input?: boolean;
            /**
             * Format: int32
             * @description In the container of which of the attempt's tasks.
             */
            rank?: number;
            terminal?: components["schemas"]["TerminalSize"] | null;
        };
        /** @description Why a job stands where it stands, as the scheduler sees it now. */
        Explanation: {
            /**
             * @description Jobs that hold what it waits for, in the order in which they have to end; at most ten. Those of teams that the
             *     caller does not see are only counted.
             */
            blockers: components["schemas"]["Blocker"][];
            /**
             * Format: int32
             * @description Blockers that the caller does not see.
             */
            blockers_hidden: number;
            /**
             * @description The smallest change that would let it start as things are now: all of these together. Empty where only time
             *     helps, or nothing is in its way.
             */
            changes: components["schemas"]["Change"][];
            estimate?: components["schemas"]["Estimate"] | null;
            /** @description What it asks for of one node, and what nodes have of it. */
            evidence: components["schemas"]["Evidence"][];
            /** @description The reasons that it was told while it waited, the oldest first; the latest hundred. */
            history: components["schemas"]["ReasonChange"][];
            job_id: components["schemas"]["JobId"];
            /** @description The reason in a sentence. */
            message: string;
            /**
             * Format: int32
             * @description How many jobs of its queue would be tried before it, as shares are now.
             */
            position: number;
            reason?: components["schemas"]["Reason"] | null;
            reservation?: components["schemas"]["Reservation"] | null;
            /** @description Where it stands. */
            state: components["schemas"]["JobState"];
        };
        /** @description A longer life for a job. */
        ExtendJob: {
            /** @description How long it may run in all, counted from its start; more than it may now. */
            max_runtime: components["schemas"]["Span"];
        };
        /** @description One refused field. */
        FieldError: {
            /** @description A stable word for the rule that was broken: `unknown-field`, `out-of-bounds`, `not-found` … */
            code: string;
            /** @description A sentence for a person. */
            message: string;
            /** @description Where in the body, as a dotted path: `resources.gpus.count`, `env.HOME`, `command[2]`. */
            path: string;
        };
        /** @enum {string} */
        Forecast: "starts-now" | "waits" | "never-starts";
        /** @description A connection to a port of a job's container. */
        ForwardPort: {
            /**
             * Format: int32
             * @description A TCP port on which something in the container listens: 1 to 65535.
             */
            port: number;
            /**
             * Format: int32
             * @description In the container of which of the attempt's tasks.
             */
            rank?: number;
        };
        /** @description The ranks of a job on several nodes. */
        Gang: {
            /** @description Addresses of their nodes, in the order of the ranks. */
            addresses: string[];
        };
        /** @description One GPU of a node. */
        Gpu: {
            /** @description Why no job is placed on it: it is lost, it reports errors, or somebody uses it outside the platform. */
            fault?: string | null;
            /**
             * Format: int32
             * @description How much of it live attempts hold, in thousandths; only in answers about nodes.
             */
            held_milli?: number | null;
            /**
             * Format: int32
             * @description Position on the node, from 0.
             */
            index: number;
            job?: components["schemas"]["JobId"] | null;
            /**
             * Format: int64
             * @description Memory.
             */
            memory_bytes: number;
            /** @description Model in the vendor's words: `NVIDIA H100 80GB HBM3`. */
            model: string;
            /** @description The vendor's id of the device, stable over reboots. */
            uuid: string;
        };
        /** @description How one GPU stood. */
        GpuUsage: {
            /**
             * Format: int32
             * @description Position on the node.
             */
            index: number;
            /**
             * Format: int64
             * @description Memory.
             */
            memory_bytes: number;
            /**
             * Format: int32
             * @description What it draws, in thousandths of a watt; some models do not tell.
             */
            milliwatts?: number | null;
            /**
             * Format: int32
             * @description How much of the time it computed, in percent; none where its model does not tell.
             */
            percent?: number | null;
            /**
             * Format: int32
             * @description In degrees Celsius.
             */
            temperature?: number | null;
        };
        /** @description GPUs of one node. */
        Gpus: {
            /**
             * Format: int32
             * @description Whole GPUs; 1 to 1024.
             */
            count: number;
            memory?: components["schemas"]["Bytes"] | null;
            /** @description Accepted models, any of them; a word of the vendor's name, in any case: `H100`. All by default. */
            model?: string[];
            share?: components["schemas"]["Ratio"] | null;
        };
        /** @description What a queue is assured of; what is left out is not. */
        Guarantee: {
            cpus?: components["schemas"]["Cpus"] | null;
            /**
             * Format: int32
             * @description GPUs of jobs that start or run.
             */
            gpus?: number | null;
            memory?: components["schemas"]["Bytes"] | null;
        };
        /** @description Keeps a waiting job from being placed. */
        HoldJob: {
            /** @description Why, in a sentence of at most 500 characters; for whoever finds it. */
            message?: string;
        };
        /** @description An address that a team's jobs may notify; its secret is never shown again. */
        Hook: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description Who made it. */
            created_by: string;
            /** @description Whether anything is sent there. */
            enabled: boolean;
            /** @description States that it may be told of; jobs choose among them. */
            events: components["schemas"]["JobState"][];
            id: components["schemas"]["HookId"];
            /** @description Name by which `notify` of a job refers to it. */
            name: string;
            /** @description Name of the team that it belongs to. */
            team: string;
            /**
             * Format: date-time
             * @description When it was last changed.
             */
            updated_at: string;
            /** @description Who changed it last. */
            updated_by: string;
            /** @description Where it is. */
            url: string;
        };
        /**
         * @description What a delivery tells of.
         * @enum {string}
         */
        HookEvent: "running" | "held" | "succeeded" | "failed" | "cancelled" | "test";
        /**
         * Format: uuid
         * @description An address that a team's jobs notify.
         */
        HookId: string;
        /**
         * @description Why an image could not be had.
         * @enum {string}
         */
        ImageProblem: "not-on-node" | "not-found" | "denied" | "unreachable" | "disk-full" | "stalled" | "wrong-platform" | "other";
        /** @description A job that waits for its turn. */
        InLine: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            job_id: components["schemas"]["JobId"];
            /** @description The reason in a sentence; empty where there is none. */
            message: string;
            /** @description Its name. */
            name: string;
            /** @description Username of who submitted it. */
            owner: string;
            /**
             * Format: int32
             * @description How many jobs of the queue would be tried before it, as shares are now.
             */
            position: number;
            /**
             * Format: int32
             * @description 0 to 100 inside the queue; the higher goes first.
             */
            priority: number;
            reason?: components["schemas"]["Reason"] | null;
            requests: components["schemas"]["Amounts"];
        };
        /** @description A job. */
        Job: {
            /** @description Who caused the latest transition: `user:NAME`, `node:NAME`, `scheduler` or `reaper`. */
            actor: string;
            array?: components["schemas"]["ArrayPlace"] | null;
            /**
             * Format: int32
             * @description Attempts that counted against `retry.max_attempts`.
             */
            attempts_charged: number;
            /** @description Whether somebody asked for its end. */
            cancel_requested: boolean;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: int32
             * @description Number of the latest attempt; 0 before the first.
             */
            epoch: number;
            /**
             * Format: int32
             * @description Exit code of the latest attempt, once it ended by itself.
             */
            exit_code?: number | null;
            /**
             * Format: date-time
             * @description When it ended.
             */
            finished_at?: string | null;
            id: components["schemas"]["JobId"];
            /** @description Image of the container. */
            image: string;
            /** @description Labels: short texts by name. */
            labels: {
                [key: string]: string;
            };
            max_runtime?: components["schemas"]["Span"] | null;
            /** @description The reason in a sentence; empty where there is nothing to say. */
            message: string;
            /** @description Its name. */
            name: string;
            /** @description Names of the nodes of the latest attempt, in rank order. */
            nodes: string[];
            /**
             * Format: date-time
             * @description Not tried before this time.
             */
            not_before?: string | null;
            /** @description Username of who submitted it. */
            owner: string;
            /**
             * Format: int32
             * @description 0 to 100 inside the queue; the higher goes first.
             */
            priority: number;
            /** @description Name of its queue. */
            queue: string;
            /**
             * Format: date-time
             * @description When it fails with `queue-timeout` if it still waits then.
             */
            queue_deadline?: string | null;
            reason?: components["schemas"]["Reason"] | null;
            /** @description What it asks for on a node: the spec's, or more memory after a retry with a `memory_factor`. */
            requests: components["schemas"]["Amounts"];
            rerun_of?: components["schemas"]["JobId"] | null;
            /**
             * Format: int32
             * @description Signal that ended the latest attempt.
             */
            signal?: number | null;
            spec?: components["schemas"]["JobSpec"] | null;
            /**
             * Format: date-time
             * @description When the user's code first ran in the latest attempt.
             */
            started_at?: string | null;
            state: components["schemas"]["JobState"];
            /** @description Name of the team whose members see it. */
            team: string;
        };
        /** @description One submit that made many jobs. */
        JobArray: {
            /** @description Its jobs by state; a state without a job is left out. */
            by_state: {
                [key: string]: number;
            };
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            id: components["schemas"]["ArrayId"];
            /**
             * Format: int32
             * @description How many of its jobs may fail before the rest is ended.
             */
            max_failures?: number | null;
            /**
             * Format: int32
             * @description How many of its jobs run at once at most.
             */
            max_parallel?: number | null;
            /** @description Why no more of its jobs start, where that is so. */
            message: string;
            /** @description Its name. */
            name: string;
            /** @description Username of who submitted it. */
            owner: string;
            /** @description Name of its queue. */
            queue: string;
            /**
             * Format: int32
             * @description How many jobs it has.
             */
            size: number;
            state: components["schemas"]["ArrayState"];
            /** @description Name of the team whose members see it. */
            team: string;
        };
        /** @description How many jobs there are. */
        JobCounts: {
            /** @description Jobs by state; a state without a job is 0. */
            by_state: {
                [key: string]: number;
            };
            /** @description Queued jobs by reason; `none` are those not looked at yet. */
            queued_by_reason: {
                [key: string]: number;
            };
        };
        /** @description One entry of a job's history. */
        JobEvent: {
            /** @description Who caused it: `user:NAME`, `node:NAME`, `scheduler` or `reaper`. */
            actor: string;
            /**
             * Format: date-time
             * @description When it happened.
             */
            at: string;
            attempt_state?: components["schemas"]["AttemptState"] | null;
            /**
             * Format: int32
             * @description Number of the attempt; 0 before the first.
             */
            epoch: number;
            job_id: components["schemas"]["JobId"];
            /** @description A sentence for people. */
            message: string;
            reason?: components["schemas"]["Reason"] | null;
            /**
             * Format: int32
             * @description 1, 2, 3 … within the job, without a gap.
             */
            sequence: number;
            /** @description The job's state after the event. */
            state: components["schemas"]["JobState"];
        };
        /** @description What would become of a job that is submitted now. */
        JobForecast: {
            /** @description The same in a sentence. */
            message: string;
            /** @description Name of the node that it would start on. */
            node?: string | null;
            /** @description What would become of the job. */
            outcome: components["schemas"]["Forecast"];
            /**
             * Format: int32
             * @description How many jobs of its queue that wait would go before it.
             */
            position: number;
            reason?: components["schemas"]["Reason"] | null;
        };
        /** @description Jobs that have something in common. */
        JobGroup: {
            /** @description How many of them are in each state; a state without a job is left out. */
            by_state: {
                [key: string]: number;
            };
            /**
             * Format: int64
             * @description How many they are.
             */
            jobs: number;
            /** @description What they have in common; empty for those that have none of it. */
            value: string;
        };
        /** @description Jobs by what they have in common. */
        JobGroups: {
            /** @description Whether there are more groups. */
            has_more: boolean;
            /** @description The largest groups first; at most 200. */
            items: components["schemas"]["JobGroup"][];
        };
        /**
         * Format: uuid
         * @description What a user submitted.
         */
        JobId: string;
        /** @description What one job may ask for; what is left out is not bounded. */
        JobLimits: {
            cpus?: components["schemas"]["Cpus"] | null;
            /**
             * Format: int32
             * @description GPUs on each node.
             */
            gpus?: number | null;
            max_runtime?: components["schemas"]["Span"] | null;
            memory?: components["schemas"]["Bytes"] | null;
            /**
             * Format: int32
             * @description Nodes of one job.
             */
            nodes?: number | null;
        };
        /** @description What a task of a job used. */
        JobMetrics: {
            /**
             * Format: int32
             * @description Number of the attempt; 0 before the first.
             */
            epoch: number;
            job_id: components["schemas"]["JobId"];
            /** @description In the order of time; empty where nothing was measured yet. */
            points: components["schemas"]["MetricPoint"][];
            /**
             * Format: int32
             * @description Which of the attempt's tasks, from 0.
             */
            rank: number;
            /**
             * Format: int32
             * @description How far two points lie apart, about. What is older is kept in longer steps.
             */
            step_secs: number;
        };
        /** @description One output of an attempt. */
        JobOutput: {
            /**
             * Format: int64
             * @description Size of its archive.
             */
            bytes: number;
            /** @description The first 1,000 of them. */
            entries: components["schemas"]["OutputEntry"][];
            /**
             * Format: int64
             * @description How many entries the archive has.
             */
            entry_count: number;
            /**
             * Format: int32
             * @description Number of the attempt.
             */
            epoch: number;
            /**
             * Format: int32
             * @description Place in the job's list of outputs, from 0.
             */
            index: number;
            /**
             * Format: date-time
             * @description Until when it is kept.
             */
            kept_until?: string | null;
            /** @description Why it failed; empty otherwise. */
            message: string;
            /** @description Path in the container. */
            path: string;
            /**
             * Format: int32
             * @description Rank of the task.
             */
            rank: number;
            /** @description Where it stands. */
            state: components["schemas"]["OutputState"];
        };
        /** @description A job spec that is submitted anew whenever its time comes. */
        JobSchedule: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description Minute, hour, day of the month, month, day of the week. */
            cron: string;
            id: components["schemas"]["ScheduleId"];
            /**
             * Format: date-time
             * @description When it last submitted a job.
             */
            last_fired_at?: string | null;
            last_job_id?: components["schemas"]["JobId"] | null;
            /** @description Why the last time made no job; empty where it made one. */
            message: string;
            /** @description The name of its jobs; unique in the team. */
            name: string;
            /**
             * Format: date-time
             * @description When it fires next, if ever.
             */
            next_at?: string | null;
            overlap: components["schemas"]["Overlap"];
            /** @description Username of the owner, in whose name its jobs run. */
            owner: string;
            /** @description A paused schedule does not fire, and does not make up for it later. */
            paused: boolean;
            spec?: components["schemas"]["JobSpec"] | null;
            /** @description Name of the team whose members see it. */
            team: string;
            /** @description Name of the time zone that the times are meant in. */
            timezone: string;
            /** @description The next times, five at most. */
            upcoming: string[];
        };
        /** @description A containerised job. Only `name` and `image` are needed. */
        JobSpec: {
            /** @description Other resources that will do, tried in turn where the ones before fit nowhere; at most 8. */
            alternatives?: components["schemas"]["Resources"][];
            array?: components["schemas"]["Array"] | null;
            /** @description Program and arguments; the image's own command by default. Not together with `run`. */
            command?: string[];
            /** @description Replaces the image's entrypoint. */
            entrypoint?: string[];
            /** @description Environment of the container. Names that begin with `LILAC_` are Lilac's own. */
            env?: {
                [key: string]: string;
            };
            hold_on_failure?: components["schemas"]["Span"] | null;
            /** @description Image reference, as Docker understands it. Left out with `runtime: process`, and only then. */
            image?: string;
            /** @description At most 64; keys to 63 characters, values to 255. */
            labels?: {
                [key: string]: string;
            };
            max_disconnect?: components["schemas"]["Span"] | null;
            max_queue_time?: components["schemas"]["Span"] | null;
            max_runtime?: components["schemas"]["Span"] | null;
            /** @description 1 to 128 characters of letters, digits, `.`, `_`, `-`. */
            name: string;
            /** @description At most 100 jobs that must have ended before this one starts. */
            needs?: components["schemas"]["Need"][];
            network?: components["schemas"]["Network"];
            /**
             * Format: int32
             * @description 1 by default, 1024 at most. More than 1 start together or not at all, each with its `resources`.
             */
            nodes?: number;
            /** @description At most 16. */
            notify?: components["schemas"]["Notify"][];
            /** @description At most 32. */
            outputs?: components["schemas"]["Output"][];
            placement?: components["schemas"]["Placement"];
            /** @description At most 16. */
            ports?: components["schemas"]["Port"][];
            /** @description Whether it may be put back in the queue for a more urgent job. That never counts as a failure. */
            preemptible?: boolean;
            /**
             * Format: int32
             * @description 0 to 100 inside the queue: the higher goes first, equal ones in the order of arrival.
             */
            priority?: number;
            pull?: components["schemas"]["Pull"];
            /** @description Name of the queue. */
            queue?: string;
            resources?: components["schemas"]["Resources"];
            retry?: components["schemas"]["Retry"];
            /** @description A script for the image's `/bin/sh`. Not together with `command` and `entrypoint`. */
            run?: string | null;
            /** @description What runs it: a container, or a process of the node's. */
            runtime?: components["schemas"]["Runtime"];
            schedule?: components["schemas"]["Schedule"] | null;
            /** @description More environment, by name: each is the value of the secret of the job's team that is named here. */
            secrets?: {
                [key: string]: string;
            };
            shm_size?: components["schemas"]["Bytes"] | null;
            stop?: components["schemas"]["Stop"];
            /**
             * @description Name of the team that the job is for. By default the queue's, else the submitter's only team that may
             *     submit there.
             */
            team?: string | null;
            /** @description `uid`, `uid:gid` or a name that the image knows; the image's own by default. */
            user?: string | null;
            /** @description Named volumes that an administrator allowed. At most 32. */
            volumes?: components["schemas"]["VolumeMount"][];
            /** @description Absolute path in the container. */
            workdir?: string | null;
        };
        /**
         * @description Where a job stands.
         * @enum {string}
         */
        JobState: "queued" | "starting" | "running" | "succeeded" | "failed" | "cancelled" | "held";
        /** @description A key with which new nodes join a cluster. Its secret is shown once, when it is made. */
        JoinKey: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it ends; absent for never.
             */
            expires_at?: string | null;
            id: components["schemas"]["JoinKeyId"];
            /**
             * Format: date-time
             * @description When it was last used, to within a minute; absent for never.
             */
            last_used_at?: string | null;
            /** @description Its name. */
            name: string;
            /** @description What its secret begins with, which is no secret: by this it is told where it is found. */
            prefix?: string;
            /** @description Whether more than one node may join with it. */
            reusable: boolean;
            /**
             * Format: date-time
             * @description When it was revoked; absent if it was not.
             */
            revoked_at?: string | null;
            /**
             * Format: int32
             * @description How often it was used.
             */
            uses: number;
        };
        /**
         * Format: uuid
         * @description A key with which new nodes join a cluster.
         */
        JoinKeyId: string;
        /** @description How far one layer of a pull is. */
        LayerProgress: {
            /**
             * Format: int64
             * @description Bytes that are here, compressed.
             */
            bytes: number;
            /** @description The first digits of its digest. */
            id: string;
            /** @description Where it stands. */
            state: components["schemas"]["LayerState"];
            /**
             * Format: int64
             * @description All its bytes; 0 until the registry has told.
             */
            total_bytes: number;
        };
        /**
         * @description Where one layer of a pull stands.
         * @enum {string}
         */
        LayerState: "waiting" | "downloading" | "extracting" | "done";
        /** @description A `log` event of the live log: bytes of the log from an offset on. */
        LogChunk: {
            /** @description The bytes in base64: a log may hold any bytes. */
            data: string;
            /**
             * Format: int32
             * @description Number of the attempt that the bytes belong to.
             */
            epoch: number;
            /**
             * Format: int64
             * @description Position of the first byte.
             */
            offset: number;
        };
        /** @description One line that matches. */
        LogMatch: {
            /**
             * Format: int64
             * @description Position of the line's first byte in the log.
             */
            offset: number;
            /** @description The line without its end, cut after 4 KiB; bytes that are no UTF-8 are replaced. */
            text: string;
        };
        /** @description Lines that match. One answer covers a bounded part of the log: there may be more behind an empty one. */
        LogMatches: {
            /**
             * Format: int32
             * @description Number of the attempt; 0 before the first.
             */
            epoch: number;
            /** @description This page's items. */
            items: components["schemas"]["LogMatch"][];
            /**
             * Format: int64
             * @description Pass as `offset` to search on.
             */
            next_offset: number;
            /** @description Whether everything that is stored was searched. */
            reached_end: boolean;
        };
        /** @description Where a log stands after an upload, and in a 409. */
        LogOffset: {
            /**
             * Format: int64
             * @description Bytes that are stored for good: the next upload starts here.
             */
            offset: number;
        };
        /** @description How one can log in here. */
        LoginMethods: {
            /** @description Whether `POST /auth/sign-up` is open. */
            sign_up: boolean;
            sso?: components["schemas"]["SsoMethod"] | null;
        };
        /** @description Name and password. */
        LoginRequest: {
            password: components["schemas"]["Secret"];
            /** @description Name to log in with. */
            username: string;
        };
        /** @description An access token. The refresh token comes as an `HttpOnly` cookie. */
        LoginResponse: {
            /** @description For `Authorization: Bearer`. */
            access_token: components["schemas"]["Secret"];
            /**
             * Format: int64
             * @description Seconds until it expires.
             */
            expires_in_secs: number;
            user: components["schemas"]["User"];
        };
        /** @description What was used up to one moment, since the point before. */
        MetricPoint: {
            /**
             * Format: date-time
             * @description When it happened.
             */
            at: string;
            /**
             * Format: int64
             * @description CPUs in use, in thousandths, on average.
             */
            cpu_milli: number;
            /**
             * Format: int64
             * @description Bytes a second that were read from disks.
             */
            disk_read_rate: number;
            /**
             * Format: int64
             * @description Bytes a second that were written to disks.
             */
            disk_write_rate: number;
            /**
             * Format: int64
             * @description What was used of its GPUs' memory.
             */
            gpu_memory_bytes?: number | null;
            /**
             * Format: int32
             * @description How busy its GPUs were together, in thousandths of one.
             */
            gpu_milli?: number | null;
            /**
             * Format: int64
             * @description Memory in use, on average.
             */
            memory_bytes: number;
            /**
             * Format: int64
             * @description The most memory that was seen in use.
             */
            memory_peak_bytes: number;
            /**
             * Format: int64
             * @description Bytes a second that were received.
             */
            network_receive_rate: number;
            /**
             * Format: int64
             * @description Bytes a second that were sent.
             */
            network_send_rate: number;
        };
        /** @description Up: samples in the order of their times. One that was handed over before is passed over. */
        MetricsReport: {
            /** @description 1 to 60. */
            samples: components["schemas"]["Sample"][];
        };
        /** @description A folder of the node, and where the container sees it. */
        Mount: {
            /** @description The folder on the node, as the administrator allowed it. */
            host_path: string;
            /** @description Name of the volume, for messages. */
            name: string;
            /** @description Whether it may only be read. */
            read_only: boolean;
            /** @description Absolute path in the container. */
            target: string;
        };
        /** @description A job that must have ended before this one starts. */
        Need: {
            /**
             * @description Id of the job, or the name of one: then the caller's newest of that name. In a batch, `$name` is the
             *     job of that name in the same batch.
             */
            job: string;
            on?: components["schemas"]["NeedOn"];
        };
        /**
         * @description How the other job must have ended.
         * @enum {string}
         */
        NeedOn: "succeeded" | "failed" | "finished";
        /**
         * @description Which network the container sees.
         * @enum {string}
         */
        Network: "bridge" | "host" | "none";
        /** @description A machine that runs jobs. */
        Node: {
            /**
             * @description Where containers of other nodes reach it, as its agent says; without it, it is given no part of a job on several
             *     nodes.
             */
            address?: string | null;
            /** @description Those of the labels that an administrator set. */
            admin_labels: {
                [key: string]: string;
            };
            /** @description Version of the agent. */
            agent_version: string;
            allocated: components["schemas"]["Amounts"];
            capacity: components["schemas"]["Amounts"];
            /** @description Name of its cluster. */
            cluster: string;
            /** @description Version of that; empty while it does not answer. */
            docker_version: string;
            drain?: components["schemas"]["NodeDrain"] | null;
            /** @description What runs its jobs. */
            engine?: components["schemas"]["Engine"];
            /** @description GPUs: how many, or which. */
            gpus: components["schemas"]["Gpu"][];
            id: components["schemas"]["NodeId"];
            /** @description Images that it has, those used last first; left out of lists, and where its agent does not tell. */
            images?: components["schemas"]["CachedImage"][] | null;
            /** @description What its agent reports, with what an administrator set over it. */
            labels: {
                [key: string]: string;
            };
            /**
             * Format: date-time
             * @description When it was last heard of, to within a few seconds.
             */
            last_seen_at?: string | null;
            /** @description The state in a sentence; empty where there is nothing to say. */
            message: string;
            /** @description Its name. */
            name: string;
            /**
             * Format: date-time
             * @description When the node joined.
             */
            registered_at: string;
            /**
             * Format: int32
             * @description All jobs that it runs, whoever sees them.
             */
            running_jobs: number;
            state: components["schemas"]["NodeState"];
            usage?: components["schemas"]["NodeUsage"] | null;
        };
        /** @description What a node has. */
        NodeCapacity: {
            /**
             * Format: int32
             * @description CPUs in thousandths.
             */
            cpu_milli: number;
            /**
             * Format: int64
             * @description Disk space.
             */
            disk_bytes: number;
            /** @description GPUs: how many, or which. */
            gpus: components["schemas"]["Gpu"][];
            /**
             * Format: int64
             * @description Memory.
             */
            memory_bytes: number;
        };
        /** @description A drain of a node. */
        NodeDrain: {
            /**
             * Format: date-time
             * @description Until then jobs may end by themselves; what runs on is stopped and goes back to its queue, uncharged.
             */
            deadline: string;
            /**
             * Format: date-time
             * @description Since when nothing runs there any more.
             */
            drained_at?: string | null;
        };
        /** @description One entry of a node's history. */
        NodeEvent: {
            /** @description Who caused it: `user:NAME`, `node:NAME` or `reaper`. */
            actor: string;
            /**
             * Format: date-time
             * @description When it happened.
             */
            at: string;
            /**
             * Format: int64
             * @description Its id.
             */
            id: number;
            kind: components["schemas"]["NodeEventKind"];
            /** @description A sentence. */
            message: string;
        };
        /**
         * @description A kind of thing that happens to a node.
         * @enum {string}
         */
        NodeEventKind: "registered" | "rebooted" | "agent-changed" | "runtime-lost" | "runtime-back" | "unreachable" | "back" | "cordoned" | "uncordoned" | "draining" | "drained" | "labelled";
        /**
         * Format: uuid
         * @description A machine that runs jobs.
         */
        NodeId: string;
        /** @description What a node used. */
        NodeMetrics: {
            /** @description Each GPU as it stood last, where that is not long ago. */
            gpus: components["schemas"]["GpuUsage"][];
            node_id: components["schemas"]["NodeId"];
            /** @description In the order of time; empty where nothing was measured yet. */
            points: components["schemas"]["MetricPoint"][];
            /**
             * Format: int32
             * @description How far two points lie apart, about. What is older is kept in longer steps.
             */
            step_secs: number;
        };
        /**
         * @description What a node is good for at the moment.
         * @enum {string}
         */
        NodeState: "ready" | "cordoned" | "unhealthy" | "unreachable" | "joining";
        /** @description What a node uses at the moment, whoever uses it. */
        NodeUsage: {
            /**
             * Format: date-time
             * @description When it was measured.
             */
            at: string;
            /**
             * Format: int64
             * @description CPUs in use, in thousandths.
             */
            cpu_milli: number;
            /** @description Each GPU by itself. */
            gpus: components["schemas"]["GpuUsage"][];
            /**
             * Format: int64
             * @description Memory.
             */
            memory_bytes: number;
        };
        /** @description A user of the nodes' operating system. Never root. */
        NodeUser: {
            /**
             * Format: int32
             * @description 1 to 4294967294.
             */
            gid: number;
            /**
             * Format: int32
             * @description 1 to 4294967294.
             */
            uid: number;
        };
        /** @description Who is told when the job comes into a state. */
        Notify: {
            /** @description States that are told: `running`, `held`, `succeeded`, `failed`, `cancelled`. */
            on: components["schemas"]["JobState"][];
            /** @description Name of a hook of the job's team. */
            to: string;
        };
        /** @description A stream that may be connected to. */
        OpenedStream: {
            /**
             * Format: date-time
             * @description Until when.
             */
            expires_at: string;
            /** @description Connect a WebSocket to `/streams/{id}`, once, with the credential that opened it. */
            id: components["schemas"]["StreamId"];
            ticket?: components["schemas"]["Secret"] | null;
        };
        /**
         * @description How a task ended.
         * @enum {string}
         */
        Outcome: "exited" | "stopped" | "not-started" | "lost";
        /** @description A folder or file that is kept when the job has ended. */
        Output: {
            keep?: components["schemas"]["Span"] | null;
            /** @description Absolute path in the container, without `..`. */
            path: string;
        };
        /** @description A file, folder or link of an output. */
        OutputEntry: {
            kind: components["schemas"]["EntryKind"];
            /** @description Path below the output's own; of an output that is a file, its name. */
            path: string;
            /**
             * Format: int64
             * @description Bytes of a file; 0 for folders and links.
             */
            size: number;
        };
        /** @description That a node cannot hand an output over. */
        OutputFailure: {
            /** @description A sentence for the job's owner; at most 2,000 characters. */
            message: string;
            /**
             * Format: int32
             * @description Rank of the task.
             */
            rank?: number;
        };
        /**
         * @description Where an output stands.
         * @enum {string}
         */
        OutputState: "pending" | "stored" | "failed" | "removed";
        /** @description What a node must collect. */
        OutputTask: {
            /**
             * Format: int64
             * @description The most bytes that the archive may have.
             */
            max_bytes: number;
            /**
             * Format: int64
             * @description The most bytes that a file in it may have.
             */
            max_file_bytes: number;
            /** @description Absolute path in the container. */
            path: string;
        };
        /**
         * @description What happens when the job of the time before has not ended yet.
         * @enum {string}
         */
        Overlap: "skip" | "queue" | "replace";
        /** @description One page of a list in a stable order. */
        Page_ApiKey: {
            /** @description This page's items. */
            items: {
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                /**
                 * Format: date-time
                 * @description When it ends; absent for never.
                 */
                expires_at?: string | null;
                id: components["schemas"]["ApiKeyId"];
                /**
                 * Format: date-time
                 * @description To within a minute.
                 */
                last_used_at?: string | null;
                /** @description Its name. */
                name: string;
                /** @description What its secret begins with, which is no secret: by this it is told where it is found. */
                prefix?: string;
                /** @description What it may be used for. */
                scopes?: components["schemas"]["Scope"][];
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_Attempt: {
            /** @description This page's items. */
            items: {
                /**
                 * Format: int32
                 * @description Which of the job's alternatives it was given, from 1 on; absent for the resources that the job asks for first.
                 */
                alternative?: number | null;
                /**
                 * Format: int32
                 * @description Number of the attempt; grows for ever and is never reused.
                 */
                epoch: number;
                /**
                 * Format: int32
                 * @description Exit code of the container's process.
                 */
                exit_code?: number | null;
                /**
                 * Format: date-time
                 * @description When it ended.
                 */
                finished_at?: string | null;
                /**
                 * Format: date-time
                 * @description When the attempt was given to its nodes.
                 */
                granted_at: string;
                id: components["schemas"]["AttemptId"];
                job_id: components["schemas"]["JobId"];
                /**
                 * Format: date-time
                 * @description Until when its nodes may run it without hearing from the control plane; only while it is live.
                 */
                lease_until?: string | null;
                /** @description A sentence for people. */
                message: string;
                reason?: components["schemas"]["Reason"] | null;
                /**
                 * Format: int32
                 * @description Signal that ended the container's process.
                 */
                signal?: number | null;
                /**
                 * Format: date-time
                 * @description When the user's code began to run.
                 */
                started_at?: string | null;
                state: components["schemas"]["AttemptState"];
                /** @description One task per rank. */
                tasks: components["schemas"]["Task"][];
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_AuditEntry: {
            /** @description This page's items. */
            items: {
                /** @description What was done: `queue.update`, `user.create` … */
                action: string;
                /** @description `user:NAME`, or `server`. */
                actor: string;
                /**
                 * Format: date-time
                 * @description When it happened.
                 */
                at: string;
                /** @description What became of it. Never a secret. */
                details: unknown;
                /** @description What it was done to: its kind with its name or id, as in `queue:research`. */
                object: string;
                /**
                 * Format: int64
                 * @description Counts the entries from 1, without a gap.
                 */
                sequence: number;
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_Cluster: {
            /** @description This page's items. */
            items: {
                /** @description What live attempts hold of it. */
                allocated: components["schemas"]["Amounts"];
                /** @description What its living nodes have. */
                capacity: components["schemas"]["Amounts"];
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                id: components["schemas"]["ClusterId"];
                /** @description How long a node may be silent before its jobs count as lost, where the job does not say. */
                max_disconnect: components["schemas"]["Span"];
                /** @description Its name. */
                name: string;
                /**
                 * Format: int32
                 * @description How many nodes it has.
                 */
                nodes: number;
                /**
                 * Format: int32
                 * @description Nodes that are ready or cordoned, and heard from lately.
                 */
                nodes_alive: number;
                placement_policy: components["schemas"]["PlacementPolicy"];
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_Delivery: {
            /** @description This page's items. */
            items: {
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                event: components["schemas"]["HookEvent"];
                id: components["schemas"]["DeliveryId"];
                job_id?: components["schemas"]["JobId"] | null;
                /** @description Why the last try went wrong, if it did. */
                last_error?: string | null;
                /**
                 * Format: date-time
                 * @description When it was last sent.
                 */
                last_try_at?: string | null;
                /**
                 * Format: date-time
                 * @description When it is sent next, while it is pending.
                 */
                next_try_at?: string | null;
                /**
                 * Format: date-time
                 * @description When it was delivered or given up.
                 */
                settled_at?: string | null;
                state: components["schemas"]["DeliveryState"];
                /**
                 * Format: int32
                 * @description What the receiver answered last, if it did.
                 */
                status?: number | null;
                /**
                 * Format: int32
                 * @description How often it was sent since it was made or asked for anew; 10 times at most.
                 */
                tries: number;
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_Hook: {
            /** @description This page's items. */
            items: {
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                /** @description Who made it. */
                created_by: string;
                /** @description Whether anything is sent there. */
                enabled: boolean;
                /** @description States that it may be told of; jobs choose among them. */
                events: components["schemas"]["JobState"][];
                id: components["schemas"]["HookId"];
                /** @description Name by which `notify` of a job refers to it. */
                name: string;
                /** @description Name of the team that it belongs to. */
                team: string;
                /**
                 * Format: date-time
                 * @description When it was last changed.
                 */
                updated_at: string;
                /** @description Who changed it last. */
                updated_by: string;
                /** @description Where it is. */
                url: string;
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_Job: {
            /** @description This page's items. */
            items: {
                /** @description Who caused the latest transition: `user:NAME`, `node:NAME`, `scheduler` or `reaper`. */
                actor: string;
                array?: components["schemas"]["ArrayPlace"] | null;
                /**
                 * Format: int32
                 * @description Attempts that counted against `retry.max_attempts`.
                 */
                attempts_charged: number;
                /** @description Whether somebody asked for its end. */
                cancel_requested: boolean;
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                /**
                 * Format: int32
                 * @description Number of the latest attempt; 0 before the first.
                 */
                epoch: number;
                /**
                 * Format: int32
                 * @description Exit code of the latest attempt, once it ended by itself.
                 */
                exit_code?: number | null;
                /**
                 * Format: date-time
                 * @description When it ended.
                 */
                finished_at?: string | null;
                id: components["schemas"]["JobId"];
                /** @description Image of the container. */
                image: string;
                /** @description Labels: short texts by name. */
                labels: {
                    [key: string]: string;
                };
                max_runtime?: components["schemas"]["Span"] | null;
                /** @description The reason in a sentence; empty where there is nothing to say. */
                message: string;
                /** @description Its name. */
                name: string;
                /** @description Names of the nodes of the latest attempt, in rank order. */
                nodes: string[];
                /**
                 * Format: date-time
                 * @description Not tried before this time.
                 */
                not_before?: string | null;
                /** @description Username of who submitted it. */
                owner: string;
                /**
                 * Format: int32
                 * @description 0 to 100 inside the queue; the higher goes first.
                 */
                priority: number;
                /** @description Name of its queue. */
                queue: string;
                /**
                 * Format: date-time
                 * @description When it fails with `queue-timeout` if it still waits then.
                 */
                queue_deadline?: string | null;
                reason?: components["schemas"]["Reason"] | null;
                /** @description What it asks for on a node: the spec's, or more memory after a retry with a `memory_factor`. */
                requests: components["schemas"]["Amounts"];
                rerun_of?: components["schemas"]["JobId"] | null;
                /**
                 * Format: int32
                 * @description Signal that ended the latest attempt.
                 */
                signal?: number | null;
                spec?: components["schemas"]["JobSpec"] | null;
                /**
                 * Format: date-time
                 * @description When the user's code first ran in the latest attempt.
                 */
                started_at?: string | null;
                state: components["schemas"]["JobState"];
                /** @description Name of the team whose members see it. */
                team: string;
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_JobEvent: {
            /** @description This page's items. */
            items: {
                /** @description Who caused it: `user:NAME`, `node:NAME`, `scheduler` or `reaper`. */
                actor: string;
                /**
                 * Format: date-time
                 * @description When it happened.
                 */
                at: string;
                attempt_state?: components["schemas"]["AttemptState"] | null;
                /**
                 * Format: int32
                 * @description Number of the attempt; 0 before the first.
                 */
                epoch: number;
                job_id: components["schemas"]["JobId"];
                /** @description A sentence for people. */
                message: string;
                reason?: components["schemas"]["Reason"] | null;
                /**
                 * Format: int32
                 * @description 1, 2, 3 … within the job, without a gap.
                 */
                sequence: number;
                /** @description The job's state after the event. */
                state: components["schemas"]["JobState"];
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_JobSchedule: {
            /** @description This page's items. */
            items: {
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                /** @description Minute, hour, day of the month, month, day of the week. */
                cron: string;
                id: components["schemas"]["ScheduleId"];
                /**
                 * Format: date-time
                 * @description When it last submitted a job.
                 */
                last_fired_at?: string | null;
                last_job_id?: components["schemas"]["JobId"] | null;
                /** @description Why the last time made no job; empty where it made one. */
                message: string;
                /** @description The name of its jobs; unique in the team. */
                name: string;
                /**
                 * Format: date-time
                 * @description When it fires next, if ever.
                 */
                next_at?: string | null;
                overlap: components["schemas"]["Overlap"];
                /** @description Username of the owner, in whose name its jobs run. */
                owner: string;
                /** @description A paused schedule does not fire, and does not make up for it later. */
                paused: boolean;
                spec?: components["schemas"]["JobSpec"] | null;
                /** @description Name of the team whose members see it. */
                team: string;
                /** @description Name of the time zone that the times are meant in. */
                timezone: string;
                /** @description The next times, five at most. */
                upcoming: string[];
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_JoinKey: {
            /** @description This page's items. */
            items: {
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                /**
                 * Format: date-time
                 * @description When it ends; absent for never.
                 */
                expires_at?: string | null;
                id: components["schemas"]["JoinKeyId"];
                /**
                 * Format: date-time
                 * @description When it was last used, to within a minute; absent for never.
                 */
                last_used_at?: string | null;
                /** @description Its name. */
                name: string;
                /** @description What its secret begins with, which is no secret: by this it is told where it is found. */
                prefix?: string;
                /** @description Whether more than one node may join with it. */
                reusable: boolean;
                /**
                 * Format: date-time
                 * @description When it was revoked; absent if it was not.
                 */
                revoked_at?: string | null;
                /**
                 * Format: int32
                 * @description How often it was used.
                 */
                uses: number;
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_Node: {
            /** @description This page's items. */
            items: {
                /**
                 * @description Where containers of other nodes reach it, as its agent says; without it, it is given no part of a job on several
                 *     nodes.
                 */
                address?: string | null;
                /** @description Those of the labels that an administrator set. */
                admin_labels: {
                    [key: string]: string;
                };
                /** @description Version of the agent. */
                agent_version: string;
                allocated: components["schemas"]["Amounts"];
                capacity: components["schemas"]["Amounts"];
                /** @description Name of its cluster. */
                cluster: string;
                /** @description Version of that; empty while it does not answer. */
                docker_version: string;
                drain?: components["schemas"]["NodeDrain"] | null;
                /** @description What runs its jobs. */
                engine?: components["schemas"]["Engine"];
                /** @description GPUs: how many, or which. */
                gpus: components["schemas"]["Gpu"][];
                id: components["schemas"]["NodeId"];
                /** @description Images that it has, those used last first; left out of lists, and where its agent does not tell. */
                images?: components["schemas"]["CachedImage"][] | null;
                /** @description What its agent reports, with what an administrator set over it. */
                labels: {
                    [key: string]: string;
                };
                /**
                 * Format: date-time
                 * @description When it was last heard of, to within a few seconds.
                 */
                last_seen_at?: string | null;
                /** @description The state in a sentence; empty where there is nothing to say. */
                message: string;
                /** @description Its name. */
                name: string;
                /**
                 * Format: date-time
                 * @description When the node joined.
                 */
                registered_at: string;
                /**
                 * Format: int32
                 * @description All jobs that it runs, whoever sees them.
                 */
                running_jobs: number;
                state: components["schemas"]["NodeState"];
                usage?: components["schemas"]["NodeUsage"] | null;
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_NodeEvent: {
            /** @description This page's items. */
            items: {
                /** @description Who caused it: `user:NAME`, `node:NAME` or `reaper`. */
                actor: string;
                /**
                 * Format: date-time
                 * @description When it happened.
                 */
                at: string;
                /**
                 * Format: int64
                 * @description Its id.
                 */
                id: number;
                kind: components["schemas"]["NodeEventKind"];
                /** @description A sentence. */
                message: string;
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_Queue: {
            /** @description This page's items. */
            items: {
                /** @description Names of the clusters that its jobs may run on, the preferred first. */
                clusters: string[];
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                default_max_runtime?: components["schemas"]["Span"] | null;
                /** @description What no other queue may keep from it: others borrow what it does not use, and `preemptible` jobs give it back. */
                guaranteed?: components["schemas"]["Guarantee"];
                id: components["schemas"]["QueueId"];
                /** @description What one job may ask for. */
                limits: components["schemas"]["JobLimits"];
                /** @description Its name. */
                name: string;
                /** @description Networks that its jobs may choose from. */
                networks: components["schemas"]["Network"][];
                /** @description A paused queue takes jobs and starts none. */
                paused: boolean;
                /** @description What its containers may do on their node. */
                policy: components["schemas"]["ContainerPolicy"];
                /** @description Whose places its jobs may take. */
                preemption?: components["schemas"]["Preemption"];
                /**
                 * Format: int32
                 * @description The higher goes first, over all queues; -1000 to 1000.
                 */
                priority: number;
                /**
                 * Format: int64
                 * @description Jobs waiting, as far as the caller sees them.
                 */
                queued: number;
                /** @description What its jobs may hold together. */
                quota: components["schemas"]["Quota"];
                /** @description Whom its containers run as. */
                run_as: components["schemas"]["RunAs"];
                /**
                 * Format: int64
                 * @description Jobs starting or running, as far as the caller sees them.
                 */
                running: number;
                /** @description Who else may submit. */
                submitters: components["schemas"]["Submitters"];
                /** @description Name of the team that owns it: its members see it and submit to it. */
                team: string;
                /** @description What the jobs of each single user may hold together in it. */
                user_quota: components["schemas"]["Quota"];
                /**
                 * Format: int32
                 * @description Its share against queues of the same priority; 1 to 1000.
                 */
                weight: number;
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_Registry: {
            /** @description This page's items. */
            items: {
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                /** @description Who made it. */
                created_by: string;
                id: components["schemas"]["RegistryId"];
                /** @description Name by which `pull.secret` of a job refers to it. */
                name: string;
                /** @description `host` or `host:port`, as in the names of images; `docker.io` for those without one. */
                server: string;
                /** @description Name of the team that it belongs to. */
                team: string;
                /** @description Name to log in with. */
                username: string;
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_Reservation: {
            /** @description This page's items. */
            items: {
                job?: components["schemas"]["ReservedJob"] | null;
                /** @description The nodes, by name: one for each part of a job on several nodes. */
                nodes: components["schemas"]["ReservedNode"][];
                /** @description What the job asks for on each of them. */
                requests: components["schemas"]["Amounts"];
                /**
                 * Format: date-time
                 * @description Since when they are kept for it, as far as the server that answers knows: the one that leads does, from the time
                 *     on at which it began to lead.
                 */
                since?: string | null;
                /**
                 * Format: date-time
                 * @description By when all of them have room for it, so that it starts, if nothing of a higher standing comes and no node fails.
                 *     Absent where nobody knows: a job without a `max_runtime` is in the way.
                 */
                starts_by?: string | null;
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_StoredSecret: {
            /** @description This page's items. */
            items: {
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                /** @description Who made it. */
                created_by: string;
                id: components["schemas"]["SecretId"];
                /** @description Name by which job specs of the team refer to it. */
                name: string;
                /** @description Name of the team that it belongs to. */
                team: string;
                /**
                 * Format: date-time
                 * @description When the present value was set.
                 */
                updated_at: string;
                /** @description Who set the present value. */
                updated_by: string;
                /**
                 * Format: int64
                 * @description How many unfinished jobs name it.
                 */
                used_by: number;
                /**
                 * Format: int32
                 * @description 1 for the first value, and one more for each that replaces it.
                 */
                version: number;
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_Team: {
            /** @description This page's items. */
            items: {
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                id: components["schemas"]["TeamId"];
                /**
                 * Format: int32
                 * @description How many users are in it.
                 */
                members: number;
                /** @description Its name. */
                name: string;
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_TeamMember: {
            /** @description This page's items. */
            items: {
                /**
                 * Format: date-time
                 * @description Since when the user is in the team.
                 */
                added_at: string;
                role: components["schemas"]["Role"];
                user_id: components["schemas"]["UserId"];
                /** @description Name to log in with. */
                username: string;
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_User: {
            /** @description This page's items. */
            items: {
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                /** @description Whether the user is kept from logging in. */
                disabled: boolean;
                /** @description What the user wants to be called. */
                display_name?: string | null;
                /** @description As the user gave it; Lilac sends nothing there. */
                email?: string | null;
                id: components["schemas"]["UserId"];
                /** @description Whether a login may do nothing but change the password, as somebody else knows it. */
                must_change_password?: boolean;
                node_user?: components["schemas"]["NodeUser"] | null;
                role: components["schemas"]["Role"];
                /** @description Names of the teams that the user is in. */
                teams?: string[];
                /** @description Name to log in with. */
                username: string;
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /** @description One page of a list in a stable order. */
        Page_Volume: {
            /** @description This page's items. */
            items: {
                /** @description Names of the clusters on whose nodes the folder is; empty for all. */
                clusters: string[];
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                /** @description Who made it. */
                created_by: string;
                /** @description The folder on every node; shown to administrators only. */
                host_path?: string | null;
                id: components["schemas"]["VolumeId"];
                /** @description Name by which job specs refer to it. */
                name: string;
                /** @description Whether jobs may only read it, whatever they ask for. */
                read_only: boolean;
                /** @description Names of the teams whose jobs may mount it; empty for all. */
                teams: string[];
            }[];
            /** @description Pass as `cursor` to read on; absent on the last page. Opaque. */
            next_cursor?: string | null;
        };
        /**
         * @description Where an attempt stands on its node.
         * @enum {string}
         */
        Phase: "preparing" | "running" | "stopping" | "ended" | "unknown";
        /** @description Which nodes may take the job. */
        Placement: {
            /** @description All must hold of a node; at most 32. */
            constraints?: components["schemas"]["Constraint"][];
            /** @description Name of a label: all nodes of a job with several share its value. */
            same?: string | null;
        };
        /**
         * @description How the scheduler chooses between nodes that fit.
         * @enum {string}
         */
        PlacementPolicy: "first-fit" | "best-fit" | "spread" | "fragmentation-aware";
        /** @description What was held over time, and how long jobs waited. */
        PlatformUsage: {
            /** @description In the order of time, up to now. */
            points: components["schemas"]["UsagePoint"][];
            /**
             * Format: int32
             * @description Seconds between two points.
             */
            step_secs: number;
            /** @description By queue, the most jobs first; queues from which nothing was started are left out. */
            waiting: components["schemas"]["QueueWaiting"][];
        };
        /** @description A port on which the job serves something. */
        Port: {
            /** @description 1 to 63 characters, unique in the job: `tensorboard`. */
            name: string;
            /**
             * Format: int32
             * @description 1 to 65535, in the container.
             */
            port: number;
        };
        /**
         * @description Whose places the jobs of a queue may take.
         * @enum {string}
         */
        Preemption: "off" | "lower-priority";
        /** @description The body of every answer that is an error (RFC 9457). */
        Problem: {
            code: components["schemas"]["ErrorCode"];
            /** @description A sentence about this case. */
            detail: string;
            /** @description The refused fields, where fields were refused. */
            errors?: components["schemas"]["FieldError"][];
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description The status in words. */
            title: string;
            /** @description Always `about:blank`: `code` is what tells problems apart. */
            type: string;
        };
        /** @description A port of a container, and where it is reached. */
        PublishedPort: {
            /** @description `address:port` of the node. */
            address: string;
            /** @description Its name in the spec. */
            name: string;
            /**
             * Format: int32
             * @description The port in the container.
             */
            port: number;
        };
        /** @description How the image comes to the node. */
        Pull: {
            policy?: components["schemas"]["PullPolicy"];
            /**
             * @description Name of the registry login of the job's team to pull with. Without it, the only login that the team
             *     has for the image's server is used, if there is just one.
             */
            secret?: string | null;
        };
        /**
         * @description When to ask the registry for the image.
         * @enum {string}
         */
        PullPolicy: "always" | "if-not-present" | "never";
        /** @description How far a pull is. */
        PullProgress: {
            /** @description In the order of the image, at most 128. Empty until the registry has named them. */
            layers: components["schemas"]["LayerProgress"][];
        };
        /** @description A queue of jobs. */
        Queue: {
            /** @description Names of the clusters that its jobs may run on, the preferred first. */
            clusters: string[];
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            default_max_runtime?: components["schemas"]["Span"] | null;
            /** @description What no other queue may keep from it: others borrow what it does not use, and `preemptible` jobs give it back. */
            guaranteed?: components["schemas"]["Guarantee"];
            id: components["schemas"]["QueueId"];
            /** @description What one job may ask for. */
            limits: components["schemas"]["JobLimits"];
            /** @description Its name. */
            name: string;
            /** @description Networks that its jobs may choose from. */
            networks: components["schemas"]["Network"][];
            /** @description A paused queue takes jobs and starts none. */
            paused: boolean;
            /** @description What its containers may do on their node. */
            policy: components["schemas"]["ContainerPolicy"];
            /** @description Whose places its jobs may take. */
            preemption?: components["schemas"]["Preemption"];
            /**
             * Format: int32
             * @description The higher goes first, over all queues; -1000 to 1000.
             */
            priority: number;
            /**
             * Format: int64
             * @description Jobs waiting, as far as the caller sees them.
             */
            queued: number;
            /** @description What its jobs may hold together. */
            quota: components["schemas"]["Quota"];
            /** @description Whom its containers run as. */
            run_as: components["schemas"]["RunAs"];
            /**
             * Format: int64
             * @description Jobs starting or running, as far as the caller sees them.
             */
            running: number;
            /** @description Who else may submit. */
            submitters: components["schemas"]["Submitters"];
            /** @description Name of the team that owns it: its members see it and submit to it. */
            team: string;
            /** @description What the jobs of each single user may hold together in it. */
            user_quota: components["schemas"]["Quota"];
            /**
             * Format: int32
             * @description Its share against queues of the same priority; 1 to 1000.
             */
            weight: number;
        };
        /**
         * Format: uuid
         * @description A queue of jobs.
         */
        QueueId: string;
        /** @description The head of a queue: the jobs that are tried next, in that order. */
        QueueLine: {
            /**
             * Format: int32
             * @description Those of the next fifty that the caller does not see.
             */
            hidden: number;
            /** @description Those of the next fifty that the caller sees. */
            items: components["schemas"]["InLine"][];
        };
        /** @description What stands in a queue at this moment. */
        QueueStats: {
            /** @description Unfinished jobs that the caller sees, by state; a state without a job is 0. */
            by_state: {
                [key: string]: number;
            };
            /** @description What users hold with the jobs that the caller sees, the largest first; at most 100. */
            by_user: components["schemas"]["UserUsage"][];
            /**
             * Format: double
             * @description The part that its weight gives it among the queues of its priority that want something now: 0 to 1.
             */
            fair_share?: number;
            /**
             * Format: date-time
             * @description Since when the job that waits longest, of those that the caller sees, is in the queue.
             */
            oldest_waiting_since?: string | null;
            /** @description The bounds on that. */
            quota: components["schemas"]["Quota"];
            /**
             * Format: double
             * @description The part of the living nodes that this is, of the resource of which it is the largest: 0 to 1.
             */
            share?: number;
            /** @description What all its jobs hold together, whoever sees them. */
            used: components["schemas"]["Usage"];
            /** @description The bounds for each single user. */
            user_quota: components["schemas"]["Quota"];
        };
        /** @description How long jobs waited for their first start. */
        QueueWaiting: {
            /**
             * Format: double
             * @description Half of them waited no longer than this, in seconds.
             */
            p50_secs: number;
            /**
             * Format: double
             * @description Nine in ten of them waited no longer than this, in seconds.
             */
            p90_secs: number;
            /** @description Name of the queue. */
            queue: string;
            /**
             * Format: int64
             * @description How many jobs were started in this time.
             */
            started: number;
        };
        /**
         * @description How long jobs of a queue waited from their submission until a node took them, for those that started within the
         *     last 24 hours; of many, the latest 5000. Jobs that had to wait for others are left out.
         */
        QueueWaits: {
            /** @description The shorter waits first. */
            buckets: components["schemas"]["WaitBucket"][];
            /**
             * Format: int32
             * @description How many jobs that is, as far as the caller sees them.
             */
            jobs: number;
            /**
             * Format: double
             * @description Half of them waited no longer, in seconds; absent where there are none.
             */
            p50_secs?: number | null;
            /**
             * Format: double
             * @description Nine of ten waited no longer, in seconds; absent where there are none.
             */
            p90_secs?: number | null;
        };
        /** @description How much may be held at a time; what is left out is not bounded. */
        Quota: {
            cpus?: components["schemas"]["Cpus"] | null;
            /**
             * Format: int32
             * @description GPUs of jobs that start or run.
             */
            gpus?: number | null;
            memory?: components["schemas"]["Bytes"] | null;
            /**
             * Format: int32
             * @description Jobs that wait. More are refused when they are submitted.
             */
            queued_jobs?: number | null;
            /**
             * Format: int32
             * @description Jobs that start or run. More wait with `quota-exceeded`.
             */
            running_jobs?: number | null;
        };
        /** @description How one rank of a job on several nodes ended. */
        RankEnd: {
            /**
             * Format: date-time
             * @description When it happened.
             */
            at: string;
            /**
             * Format: int32
             * @description Exit code, where its container ended by itself.
             */
            exit_code?: number | null;
            /** @description It is the one that ended the attempt, by failing first. */
            failed_first: boolean;
            /** @description A sentence; empty where there is nothing to say. */
            message: string;
            reason?: components["schemas"]["Reason"] | null;
            /**
             * Format: int32
             * @description Signal that ended the container's process.
             */
            signal?: number | null;
        };
        /**
         * @description a number with at most three digits after the point
         * @example 1.5
         */
        Ratio: string;
        /**
         * @description Why a job stands where it stands: one dominant, stable code.
         * @enum {string}
         */
        Reason: "waiting-for-capacity" | "waiting-for-gpus" | "no-matching-nodes" | "exceeds-any-node" | "quota-exceeded" | "queue-paused" | "dependency" | "array-limit" | "backoff" | "held" | "reserved-for-higher" | "node-down" | "gang-incomplete" | "exit-code" | "oom" | "disk-limit" | "gpu-oom" | "timeout" | "queue-timeout" | "cancelled" | "preempted" | "node-lost" | "gpu-lost" | "image-pull" | "unstartable" | "dependency-failed" | "infrastructure";
        /** @description Since when a job waited for a reason. */
        ReasonChange: {
            /**
             * Format: date-time
             * @description Since when.
             */
            at: string;
            /** @description A sentence for people. */
            message: string;
            /** @description The reason from then on. */
            reason: components["schemas"]["Reason"];
        };
        /** @description What a job was and took. */
        Receipt: {
            /**
             * Format: int32
             * @description How many attempts there were in all.
             */
            attempt_count: number;
            /** @description The attempts, the latest first; of more than 100 the latest. */
            attempts: components["schemas"]["ReceiptAttempt"][];
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: int32
             * @description Exit code of the container's process.
             */
            exit_code?: number | null;
            /**
             * Format: date-time
             * @description When it ended.
             */
            finished_at?: string | null;
            /** @description The image as the job names it. */
            image: string;
            job_id: components["schemas"]["JobId"];
            /** @description Its name. */
            name: string;
            /** @description Username of who submitted it. */
            owner: string;
            /** @description Name of the queue. */
            queue: string;
            reason?: components["schemas"]["Reason"] | null;
            /**
             * Format: int32
             * @description Signal that ended the container's process.
             */
            signal?: number | null;
            state: components["schemas"]["JobState"];
            /** @description Name of the team. */
            team: string;
            /** @description What all attempts took, those that run now up to the moment. */
            total: components["schemas"]["Used"];
        };
        /** @description One attempt on a receipt. */
        ReceiptAttempt: {
            /**
             * Format: int64
             * @description CPU time, in thousandths of a CPU.
             */
            cpu_milli: number;
            /**
             * Format: int32
             * @description Number of the attempt.
             */
            epoch: number;
            /**
             * Format: int32
             * @description Exit code of the container's process.
             */
            exit_code?: number | null;
            /**
             * Format: date-time
             * @description When it ended.
             */
            finished_at?: string | null;
            /**
             * Format: int32
             * @description GPUs: how many, or which.
             */
            gpus: number;
            /**
             * Format: date-time
             * @description When the attempt was given to its nodes.
             */
            granted_at: string;
            /**
             * Format: int64
             * @description Memory.
             */
            memory_bytes: number;
            /** @description Names of its nodes, in rank order. */
            nodes: string[];
            reason?: components["schemas"]["Reason"] | null;
            /**
             * Format: date-time
             * @description When the user's code began to run.
             */
            started_at?: string | null;
            state: components["schemas"]["AttemptState"];
            used: components["schemas"]["Used"];
        };
        /** @description Sent once, with the join key as the bearer token. */
        RegisterRequest: {
            /** @description Version of the agent. */
            agent_version: string;
            /** @description Id of the operating system's installation (`/etc/machine-id`), hashed. */
            machine_id: string;
            /** @description Name of the node; must be free in the cluster, or belong to a node with the same machine id. */
            name: string;
            /**
             * Format: int32
             * @description Version of the protocol between agent and server.
             */
            protocol: number;
        };
        /** @description The node's identity from now on. */
        RegisterResponse: {
            cluster_id: components["schemas"]["ClusterId"];
            /** @description `lilac_node_…`: the bearer token from now on. An earlier one of this node is void. */
            credential: components["schemas"]["Secret"];
            node_id: components["schemas"]["NodeId"];
        };
        /** @description A team's login to a registry, without its password. */
        Registry: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description Who made it. */
            created_by: string;
            id: components["schemas"]["RegistryId"];
            /** @description Name by which `pull.secret` of a job refers to it. */
            name: string;
            /** @description `host` or `host:port`, as in the names of images; `docker.io` for those without one. */
            server: string;
            /** @description Name of the team that it belongs to. */
            team: string;
            /** @description Name to log in with. */
            username: string;
        };
        /**
         * Format: uuid
         * @description A team's login to a registry.
         */
        RegistryId: string;
        /** @description A login to a registry. */
        RegistryLogin: {
            password: components["schemas"]["Secret"];
            /** @description `host` or `host:port`. */
            server: string;
            /** @description Name to log in with. */
            username: string;
        };
        /** @description The value that replaces the present one. Containers that run keep the one that they started with. */
        ReplaceSecret: {
            /** @description 1 byte to 64 KiB, without NUL. */
            value: components["schemas"]["Secret"];
        };
        /** @description A waiting job's new place. */
        ReprioritiseJob: {
            /**
             * Format: int32
             * @description 0 to 100 inside the queue; the higher goes first.
             */
            priority: number;
        };
        /** @description Nodes that are kept for one job: others get a place there only where that does not delay it. */
        Reservation: {
            job?: components["schemas"]["ReservedJob"] | null;
            /** @description The nodes, by name: one for each part of a job on several nodes. */
            nodes: components["schemas"]["ReservedNode"][];
            /** @description What the job asks for on each of them. */
            requests: components["schemas"]["Amounts"];
            /**
             * Format: date-time
             * @description Since when they are kept for it, as far as the server that answers knows: the one that leads does, from the time
             *     on at which it began to lead.
             */
            since?: string | null;
            /**
             * Format: date-time
             * @description By when all of them have room for it, so that it starts, if nothing of a higher standing comes and no node fails.
             *     Absent where nobody knows: a job without a `max_runtime` is in the way.
             */
            starts_by?: string | null;
        };
        /** @description The job that nodes are kept for. */
        ReservedJob: {
            job_id: components["schemas"]["JobId"];
            /** @description Its name. */
            name: string;
            /** @description Username of who submitted it. */
            owner: string;
            /** @description Name of its queue. */
            queue: string;
        };
        /** @description A node that is kept. */
        ReservedNode: {
            /** @description Its name. */
            name: string;
            node_id: components["schemas"]["NodeId"];
        };
        /** @description A password that was made up for a user. */
        ResetPassword: {
            /** @description Good for one login, which must change it. Shown only now. */
            password: components["schemas"]["Secret"];
        };
        /** @description What the job takes from its node. */
        Resources: {
            /** @description 1 by default; at least 1m. */
            cpus?: components["schemas"]["Cpus"];
            disk?: components["schemas"]["Bytes"] | null;
            gpus?: components["schemas"]["Gpus"] | null;
            /** @description 256Mi by default; at least 8Mi. Using more ends the job with `oom`. */
            memory?: components["schemas"]["Bytes"];
        };
        /** @description What to do when an attempt failed. */
        Retry: {
            backoff?: components["schemas"]["Backoff"];
            /**
             * Format: int32
             * @description Attempts that count, the first included; 1 to 100, 1 by default. A lost node never counts.
             */
            max_attempts?: number;
            /**
             * @description The first that matches says what happens. Without rules every failure is retried while
             *     attempts are left; with rules, what none matches is not.
             */
            rules?: components["schemas"]["RetryRule"][];
        };
        /**
         * @description What is done about an attempt that failed.
         * @enum {string}
         */
        RetryAction: "retry" | "fail" | "hold";
        /** @description Matches a failure by its reason or exit code. */
        RetryRule: {
            /** @description What is done then. */
            action: components["schemas"]["RetryAction"];
            /** @description Whether the attempt counts against `max_attempts`. */
            counts?: boolean;
            /** @description Exit codes that match. */
            exit_codes?: number[];
            memory_factor?: components["schemas"]["Ratio"] | null;
            /** @description Reasons that match. */
            on?: components["schemas"]["Reason"][];
        };
        /**
         * @description What a user may do.
         * @enum {string}
         */
        Role: "viewer" | "member" | "admin";
        /** @description The secret that replaces the present one. */
        RotateHook: {
            secret?: components["schemas"]["Secret"] | null;
        };
        /**
         * @description Whom the containers of a queue run as.
         * @enum {string}
         */
        RunAs: "image" | "submitter";
        /**
         * @description What runs the job on its node.
         * @enum {string}
         */
        Runtime: "docker" | "process";
        /** @description Whether the node's container runtime answers. */
        RuntimeHealth: {
            /** @description Who it is that answers, or did last. */
            engine?: components["schemas"]["Engine"];
            /** @description What is wrong; empty when nothing is. */
            message: string;
            /** @description Whether it answers. */
            ok: boolean;
            /** @description Version of Docker, or of what is in its place; empty when it does not answer. */
            version: string;
        };
        /** @description What a node and its tasks had used at one moment. */
        Sample: {
            /**
             * Format: date-time
             * @description By the node's clock. One that lies more than a minute ahead or a day back is passed over.
             */
            at: string;
            /** @description The GPUs of the machine, each by itself. */
            gpus?: components["schemas"]["GpuUsage"][];
            /** @description The whole machine, counted since it was booted. */
            node: components["schemas"]["Usage"];
            /** @description Tasks that run, counted since each was started; at most 4,096. */
            tasks?: components["schemas"]["TaskUsage"][];
        };
        /** @description When the job is submitted anew, by itself. */
        Schedule: {
            /** @description Five fields, as in cron: minute, hour, day of the month, month, day of the week. */
            cron: string;
            overlap?: components["schemas"]["Overlap"];
            /** @description A name of the time zone database; `UTC` by default. */
            timezone?: string;
        };
        /**
         * Format: uuid
         * @description A job that is submitted by the clock.
         */
        ScheduleId: string;
        /**
         * @description What an API key may be used for. Its user's role bounds it all the same.
         * @enum {string}
         */
        Scope: "read" | "write" | "admin" | "account";
        /**
         * Format: password
         * @description A value that is never printed.
         */
        Secret: string;
        /**
         * Format: uuid
         * @description A secret of a team.
         */
        SecretId: string;
        /** @description Facts about the server that users may know. */
        ServerFacts: {
            jobs_kept?: components["schemas"]["Span"] | null;
            /** @description How long logs are kept after their attempt ended. */
            logs_kept: components["schemas"]["Span"];
            /** @description The most that one output may hold, as an archive. */
            output_max: components["schemas"]["Bytes"];
            /** @description How long outputs are kept whose job does not say. */
            outputs_kept: components["schemas"]["Span"];
            /** @description Where users reach it, where that is set. */
            public_url?: string | null;
            /** @description Whether anyone may make an account. */
            sign_up: boolean;
            /** @description What the provider of single sign-on is called, where there is one. */
            sso?: string | null;
            /** @description Version of the server. */
            version: string;
        };
        /**
         * Format: uuid
         * @description One run of an agent process on a node; a newer session fences an older one.
         */
        SessionId: string;
        /** @description A user who makes an account where the server allows it. */
        SignUp: {
            /** @description 10 to 256 characters. */
            password: components["schemas"]["Secret"];
            /** @description 1 to 63 characters of letters, digits, `.`, `_`, `-`. */
            username: string;
        };
        /**
         * @description Signals that make sense to a job.
         * @enum {string}
         */
        Signal: "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGQUIT" | "SIGUSR1" | "SIGUSR2" | "SIGKILL";
        /**
         * @description a span of time as 90s, 10m or 24h
         * @example 10m
         */
        Span: string;
        SsoMethod: {
            /** @description What people call it. */
            name: string;
            /** @description Where a browser goes to log in with it. */
            url: string;
        };
        /** @description How a running job is asked to end. */
        Stop: {
            /** @description Killed when it has not ended by then; 10s by default, 24h at most. */
            grace?: components["schemas"]["Span"];
            signal?: components["schemas"]["Signal"];
            warn?: components["schemas"]["Warn"] | null;
        };
        /** @description What is known of a secret; its value is never given out but to the nodes that run jobs with it. */
        StoredSecret: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description Who made it. */
            created_by: string;
            id: components["schemas"]["SecretId"];
            /** @description Name by which job specs of the team refer to it. */
            name: string;
            /** @description Name of the team that it belongs to. */
            team: string;
            /**
             * Format: date-time
             * @description When the present value was set.
             */
            updated_at: string;
            /** @description Who set the present value. */
            updated_by: string;
            /**
             * Format: int64
             * @description How many unfinished jobs name it.
             */
            used_by: number;
            /**
             * Format: int32
             * @description 1 for the first value, and one more for each that replaces it.
             */
            version: number;
        };
        /**
         * Format: uuid
         * @description A program or a port in a container, reached from outside.
         */
        StreamId: string;
        /** @description Tells an agent to connect to a stream. It may come more than once. */
        StreamOrder: {
            /** @description In whose container. */
            attempt_id: components["schemas"]["AttemptId"];
            /** @description Connect a WebSocket to `/agent/streams/{id}`. */
            id: components["schemas"]["StreamId"];
            /** @description Address of the server that holds the user's end, where it differs from the one that the agent knows. */
            server?: string | null;
            /** @description What happens there. */
            task: components["schemas"]["StreamTask"];
            /** @description Shown in the header `lilac-stream-token`; good for one connection. */
            token: components["schemas"]["Secret"];
        };
        /** @description What a stream does. */
        StreamTask: {
            /** @description Runs a program. */
            exec: components["schemas"]["ExecJob"];
        } | {
            /** @description Reaches a port. */
            "port-forward": components["schemas"]["ForwardPort"];
        };
        /** @description Who may submit to a queue beside the members of its team, and therefore sees it. */
        Submitters: {
            /** @description Names of teams. */
            teams?: string[];
            /** @description Usernames. */
            users?: string[];
        };
        /**
         * @description What an attempt needs and no journal may hold: secrets, the login to the registry, the folders of the
         *     node that it may see. Asked for when the container is made, by the node that runs the attempt only, and
         *     kept in memory.
         */
        Supplies: {
            /** @description Environment whose values are secret. */
            env: {
                [key: string]: components["schemas"]["Secret"];
            };
            /** @description Folders of the node that the container sees. */
            mounts: components["schemas"]["Mount"][];
            registry?: components["schemas"]["RegistryLogin"] | null;
        };
        /** @description Up: all that the agent knows. */
        SyncRequest: {
            /**
             * @description Where the containers of other nodes reach this one: an IP address, or a name. A node that names none is
             *     given no part of a job on several nodes.
             */
            address?: string | null;
            /** @description Version of the agent. */
            agent_version: string;
            /** @description All attempts that the agent knows of, whatever their phase, until told to forget them. */
            attempts: components["schemas"]["AttemptReport"][];
            /**
             * Format: uuid
             * @description Changes with every boot of the machine.
             */
            boot_id: string;
            capacity: components["schemas"]["NodeCapacity"];
            /**
             * @description Images that the node has, those used last first, at most 64; left out where the control plane was told
             *     in an earlier sync of this session.
             */
            images?: components["schemas"]["CachedImage"][] | null;
            /** @description Labels: short texts by name. */
            labels: {
                [key: string]: string;
            };
            /** @description As in `RegisterRequest`; tells a reboot from a copied credential. */
            machine_id: string;
            /** @description Answer at once, even when there is nothing new. */
            no_wait?: boolean;
            /**
             * Format: int32
             * @description Version of the protocol between agent and server.
             */
            protocol: number;
            runtime: components["schemas"]["RuntimeHealth"];
            /**
             * Format: int64
             * @description 0, 1, 2 … within the session.
             */
            sequence: number;
            /**
             * @description This run of the agent. A session not seen before takes over when `sequence` is 0; an older
             *     one is answered 409 `fenced`.
             */
            session: components["schemas"]["SessionId"];
        };
        /** @description Down: what the node should do. */
        SyncResponse: {
            /**
             * @description The whole set: run (or keep, or stop) these. An attempt that the agent has and that stands in
             *     neither list must be stopped: the control plane no longer knows it.
             */
            desired: components["schemas"]["DesiredAttempt"][];
            /** @description Ended and recorded: drop container and files, once the log is handed over. */
            forget: components["schemas"]["AttemptId"][];
            /**
             * @description Images that jobs wait for which may come to this node: have them ready, if there is nothing better to do.
             *     At most 8.
             */
            prefetch?: string[];
            /** @description Streams to connect to, each to be taken up once. */
            streams?: components["schemas"]["StreamOrder"][];
        };
        /** @description Ports of the node that an attempt took before its container was made. */
        TakenPorts: {
            /** @description Where those of its task are reached, in the task's order. */
            published?: number[];
            /**
             * Format: int32
             * @description Where the other ranks meet it; taken by rank 0 of a job on several nodes.
             */
            rendezvous?: number | null;
        };
        /** @description The part of an attempt that one node runs. */
        Task: {
            end?: components["schemas"]["RankEnd"] | null;
            /** @description GPUs of the node that belong to the task while it is live. */
            gpu_indices: number[];
            image?: components["schemas"]["TaskImage"] | null;
            /**
             * Format: int64
             * @description Bytes of log that the control plane holds.
             */
            log_bytes: number;
            /** @description Whether those are all that there will be. */
            log_complete: boolean;
            /** @description Name of the node. */
            node: string;
            node_id: components["schemas"]["NodeId"];
            /** @description Where its ports are reached, by their names in the spec. */
            ports?: components["schemas"]["PublishedPort"][];
            /**
             * Format: int32
             * @description Which of the attempt's tasks, from 0.
             */
            rank: number;
        };
        /** @description The image of a task, as its node tells of it. */
        TaskImage: {
            /** @description Digest by which its registry knows it, `sha256:…`; none for an image that was in no registry. */
            digest?: string | null;
            /** @description Id of the image that the container was made of, `sha256:…`. */
            id?: string | null;
            problem?: components["schemas"]["ImageProblem"] | null;
            pull?: components["schemas"]["PullProgress"] | null;
        };
        /** @description How a task ended. */
        TaskResult: {
            /**
             * Format: int32
             * @description Exit code, where the process ended by itself (0 to 255).
             */
            exit_code?: number | null;
            /**
             * Format: date-time
             * @description When it ended.
             */
            finished_at: string;
            /**
             * Format: int64
             * @description Length of the whole log in bytes.
             */
            log_bytes: number;
            /** @description A sentence: the daemon's own words where it refused. At most 2,000 characters. */
            message: string;
            outcome: components["schemas"]["Outcome"];
            reason?: components["schemas"]["Reason"] | null;
            /**
             * Format: int32
             * @description Signal that ended the process.
             */
            signal?: number | null;
        };
        /** @description All that a node needs to run its part of an attempt. */
        TaskSpec: {
            /** @description Replaces the image's own command; empty leaves it. */
            command: string[];
            /**
             * Format: int32
             * @description CPU time, in thousandths of a CPU.
             */
            cpu_milli: number;
            /**
             * Format: int64
             * @description How much it may write to the node's disk; none for no limit but the node's own.
             */
            disk_bytes?: number | null;
            /** @description Replaces the image's own entrypoint; empty leaves it. */
            entrypoint: string[];
            /** @description The user's own and the injected `LILAC_…` variables. */
            env: {
                [key: string]: string;
            };
            gang?: components["schemas"]["Gang"] | null;
            /** @description GPUs of the node, by the vendor's id, that belong to the task. */
            gpu_uuids: string[];
            hold_on_failure?: components["schemas"]["Span"] | null;
            /** @description Empty where it is no container. */
            image: string;
            job_id: components["schemas"]["JobId"];
            /** @description Name of the job. */
            job_name: string;
            max_runtime?: components["schemas"]["Span"] | null;
            /**
             * Format: int64
             * @description Memory.
             */
            memory_bytes: number;
            /** @description Whether the container needs supplies (see [`Supplies`]): it must not be made without them. */
            needs_supplies?: boolean;
            network: components["schemas"]["Network"];
            /** @description The networks that its queue allows: any other is refused. */
            networks?: components["schemas"]["Network"][];
            /** @description What is handed over when the container has ended, each under its place in this list. */
            outputs?: components["schemas"]["OutputTask"][];
            /** @description What the container may do, as its queue says. */
            policy?: components["schemas"]["ContainerPolicy"];
            /** @description Ports of the container that are reached at its node. */
            ports?: number[];
            pull: components["schemas"]["PullPolicy"];
            /**
             * Format: int32
             * @description Which of the attempt's tasks, from 0.
             */
            rank: number;
            /** @description What runs it; a node that offers another refuses it. */
            runtime?: components["schemas"]["Runtime"];
            /**
             * Format: int64
             * @description Size of `/dev/shm`.
             */
            shm_bytes?: number | null;
            stop_grace: components["schemas"]["Span"];
            stop_signal: components["schemas"]["Signal"];
            stop_warn?: components["schemas"]["Warn"] | null;
            /** @description Who it is. */
            user?: string | null;
            /** @description Folder that the process starts in. */
            workdir?: string | null;
        };
        /** @description What one task had used. */
        TaskUsage: {
            attempt_id: components["schemas"]["AttemptId"];
            /**
             * Format: int32
             * @description Which of the attempt's tasks, from 0.
             */
            rank: number;
            usage: components["schemas"]["Usage"];
        };
        Team: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            id: components["schemas"]["TeamId"];
            /**
             * Format: int32
             * @description How many users are in it.
             */
            members: number;
            /** @description Its name. */
            name: string;
        };
        /**
         * Format: uuid
         * @description People who see each other's jobs.
         */
        TeamId: string;
        /** @description A user in a team. */
        TeamMember: {
            /**
             * Format: date-time
             * @description Since when the user is in the team.
             */
            added_at: string;
            role: components["schemas"]["Role"];
            user_id: components["schemas"]["UserId"];
            /** @description Name to log in with. */
            username: string;
        };
        /** @description Rows and columns of a terminal. */
        TerminalSize: {
            /**
             * Format: int32
             * @description Characters in a line: 1 to 10,000.
             */
            columns: number;
            /**
             * Format: int32
             * @description Lines: 1 to 10,000.
             */
            rows: number;
        };
        /** @description What to change of a cluster; what is left out stays. */
        UpdateCluster: {
            max_disconnect?: components["schemas"]["Span"] | null;
            placement_policy?: components["schemas"]["PlacementPolicy"] | null;
        };
        /** @description What to change of a hook; what is left out stays. */
        UpdateHook: {
            /** @description A hook that is switched off is told nothing, and what waits for it is given up. */
            enabled?: boolean | null;
            /** @description As when it was made. */
            events?: components["schemas"]["JobState"][] | null;
            /** @description As when it was made. */
            url?: string | null;
        };
        /** @description What to change of a node. */
        UpdateNode: {
            /** @description Labels that stand over those of its agent, all of them: at most 64, keys to 63 characters, values to 255. */
            labels: {
                [key: string]: string;
            };
        };
        /** @description What users say about themselves. What is left out stays; an empty text takes it away. */
        UpdateProfile: {
            /** @description At most 128 characters. */
            display_name?: string | null;
            /** @description At most 254 characters. */
            email?: string | null;
        };
        /** @description What to change; what is left out stays. Quotas, guarantees, limits and submitters are replaced as a whole. */
        UpdateQueue: {
            /** @description Names of its clusters, the first choice first. */
            clusters?: string[] | null;
            default_max_runtime?: components["schemas"]["Span"] | null;
            guaranteed?: components["schemas"]["Guarantee"] | null;
            limits?: components["schemas"]["JobLimits"] | null;
            /** @description Networks that its containers may choose from. */
            networks?: components["schemas"]["Network"][] | null;
            /** @description Whether nothing is started from it. */
            paused?: boolean | null;
            policy?: components["schemas"]["ContainerPolicy"] | null;
            preemption?: components["schemas"]["Preemption"] | null;
            /**
             * Format: int32
             * @description Higher goes first: 0 to 100.
             */
            priority?: number | null;
            quota?: components["schemas"]["Quota"] | null;
            run_as?: components["schemas"]["RunAs"] | null;
            submitters?: components["schemas"]["Submitters"] | null;
            /** @description Name of the team that owns it from now on. */
            team?: string | null;
            user_quota?: components["schemas"]["Quota"] | null;
            /**
             * Format: int32
             * @description Its share against queues of the same priority.
             */
            weight?: number | null;
        };
        /** @description What to change; what is left out stays. */
        UpdateTeam: {
            /** @description 1 to 63 characters of letters, digits, `.`, `_`, `-`. */
            name?: string | null;
        };
        /** @description What to change; what is left out stays. */
        UpdateUser: {
            /** @description Whether the user is kept from logging in. */
            disabled?: boolean | null;
            node_user?: components["schemas"]["NodeUser"] | null;
            password?: components["schemas"]["Secret"] | null;
            role?: components["schemas"]["Role"] | null;
        };
        /** @description What to change; what is left out stays. Containers that run keep what they started with. */
        UpdateVolume: {
            /** @description Names of the clusters on whose nodes the folder is; empty for all. */
            clusters?: string[] | null;
            /** @description Whether it may only be read. */
            read_only?: boolean | null;
            /** @description Names of the teams whose jobs may mount it; empty for all. */
            teams?: string[] | null;
        };
        /** @description What is held of something that a quota bounds. */
        Usage: {
            /** @description CPUs of jobs that start or run. */
            cpus: components["schemas"]["Cpus"];
            /**
             * Format: int64
             * @description GPUs: how many, or which.
             */
            gpus: number;
            memory: components["schemas"]["Bytes"];
            /**
             * Format: int64
             * @description Jobs that wait.
             */
            queued_jobs: number;
            /**
             * Format: int64
             * @description Jobs that start or run.
             */
            running_jobs: number;
        };
        /** @description What the jobs that the caller sees held at one moment. */
        UsagePoint: {
            /**
             * Format: date-time
             * @description The moment.
             */
            at: string;
            /**
             * Format: int64
             * @description CPUs that they held, in thousandths.
             */
            cpu_milli: number;
            /**
             * Format: int64
             * @description GPUs that they held.
             */
            gpus: number;
            /**
             * Format: int64
             * @description Attempts that held a part of a node.
             */
            jobs: number;
            /**
             * Format: int64
             * @description Memory that they held.
             */
            memory_bytes: number;
        };
        /** @description What was held on nodes, counted from the grant to the release. */
        Used: {
            /**
             * Format: double
             * @description CPUs held × seconds.
             */
            cpu_seconds: number;
            /**
             * Format: double
             * @description GPUs held × seconds.
             */
            gpu_seconds: number;
            /**
             * Format: int64
             * @description Bytes of log that are stored.
             */
            log_bytes: number;
            /**
             * Format: double
             * @description GiB of memory held × seconds.
             */
            memory_gib_seconds: number;
        };
        /** @description An account. */
        User: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description Whether the user is kept from logging in. */
            disabled: boolean;
            /** @description What the user wants to be called. */
            display_name?: string | null;
            /** @description As the user gave it; Lilac sends nothing there. */
            email?: string | null;
            id: components["schemas"]["UserId"];
            /** @description Whether a login may do nothing but change the password, as somebody else knows it. */
            must_change_password?: boolean;
            node_user?: components["schemas"]["NodeUser"] | null;
            role: components["schemas"]["Role"];
            /** @description Names of the teams that the user is in. */
            teams?: string[];
            /** @description Name to log in with. */
            username: string;
        };
        /**
         * Format: uuid
         * @description A person or program with an account.
         */
        UserId: string;
        /** @description What one user has in a queue. */
        UserUsage: {
            used: components["schemas"]["Usage"];
            /** @description Username. */
            user: string;
        };
        /** @description A folder of the nodes that an administrator lets jobs see under a name. */
        Volume: {
            /** @description Names of the clusters on whose nodes the folder is; empty for all. */
            clusters: string[];
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description Who made it. */
            created_by: string;
            /** @description The folder on every node; shown to administrators only. */
            host_path?: string | null;
            id: components["schemas"]["VolumeId"];
            /** @description Name by which job specs refer to it. */
            name: string;
            /** @description Whether jobs may only read it, whatever they ask for. */
            read_only: boolean;
            /** @description Names of the teams whose jobs may mount it; empty for all. */
            teams: string[];
        };
        /**
         * Format: uuid
         * @description A folder of the nodes that jobs may see.
         */
        VolumeId: string;
        /** @description A named volume, and where the container sees it. */
        VolumeMount: {
            /** @description Name of the volume. */
            name: string;
            /** @description Whether the job may only read it; a volume may demand that by itself. */
            read_only?: boolean;
            /** @description Absolute path in the container. */
            target: string;
        };
        /** @description Jobs that waited about as long. */
        WaitBucket: {
            /**
             * Format: int32
             * @description How many.
             */
            jobs: number;
            /**
             * Format: int32
             * @description They waited no longer than so many seconds, and longer than those of the bucket before; absent for the last.
             */
            up_to_secs?: number | null;
        };
        /** @description Warns a job that its time is nearly over, so that it can save what it has. */
        Warn: {
            /** @description How long before the end; shorter than `max_runtime`. */
            before: components["schemas"]["Span"];
            signal: components["schemas"]["Signal"];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
