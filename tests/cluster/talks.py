"""What is said to a cluster's nodes to hear whether they answer as a real one does, by the state of the cluster.

A line is one connection, its commands apart by ` ; `; they go as one pipeline. `.A`, `.B` and `.R` stand for the ids of
nodes, `.X` for one that nobody knows; `\\n` and `\\s` for what cannot stand in a line's word. `FUNCTION LOAD f 2 FLAG`
loads a function `f` that writes the first two of `b` and `c`. The slots: `a` 15495, `b` and `{b}…` 3300, `c` 7365,
`d` 11298.
"""

SUBCOMMANDS = r"""
    CLUSTER
    CLUSTER NOTHING
    CLUSTER nothing a b
    CLUSTER ADDSLOTS
    CLUSTER ADDSLOTS x
    CLUSTER ADDSLOTS -1
    CLUSTER ADDSLOTS 16384
    CLUSTER ADDSLOTS 1 2 x
    CLUSTER ADDSLOTS 1 2 1
    CLUSTER ADDSLOTS 99999999999999999999
    CLUSTER ADDSLOTS 1.5
    CLUSTER ADDSLOTS 01
    CLUSTER ADDSLOTSRANGE
    CLUSTER ADDSLOTSRANGE 1
    CLUSTER ADDSLOTSRANGE 1 2 3
    CLUSTER ADDSLOTSRANGE x 2
    CLUSTER ADDSLOTSRANGE 2 1
    CLUSTER ADDSLOTSRANGE 1 16384
    CLUSTER ADDSLOTSRANGE 1 5 3 7
    CLUSTER ADDSLOTSRANGE 5 5 5 5
    CLUSTER ADDSLOTSRANGE 1 2 9 x
    CLUSTER DELSLOTS
    CLUSTER DELSLOTS x
    CLUSTER DELSLOTS 1
    CLUSTER DELSLOTS 1 1
    CLUSTER DELSLOTS 16384
    CLUSTER DELSLOTSRANGE
    CLUSTER DELSLOTSRANGE 1
    CLUSTER DELSLOTSRANGE 1 2 3
    CLUSTER DELSLOTSRANGE 2 1
    CLUSTER DELSLOTSRANGE 1 2
    CLUSTER BUMPEPOCH x
    CLUSTER BUMPEPOCH
    CLUSTER BUMPEPOCH
    CLUSTER COUNT-FAILURE-REPORTS
    CLUSTER COUNT-FAILURE-REPORTS x
    CLUSTER COUNT-FAILURE-REPORTS .A
    CLUSTER COUNT-FAILURE-REPORTS .X
    CLUSTER COUNTKEYSINSLOT
    CLUSTER COUNTKEYSINSLOT x
    CLUSTER COUNTKEYSINSLOT -1
    CLUSTER COUNTKEYSINSLOT 16384
    CLUSTER COUNTKEYSINSLOT 0
    CLUSTER COUNTKEYSINSLOT 0 1
    CLUSTER GETKEYSINSLOT
    CLUSTER GETKEYSINSLOT 0
    CLUSTER GETKEYSINSLOT x 1
    CLUSTER GETKEYSINSLOT 0 x
    CLUSTER GETKEYSINSLOT 0 -1
    CLUSTER GETKEYSINSLOT 16384 1
    CLUSTER GETKEYSINSLOT -1 1
    CLUSTER GETKEYSINSLOT 0 0
    CLUSTER GETKEYSINSLOT 0 99999999999
    CLUSTER KEYSLOT
    CLUSTER KEYSLOT a b
    CLUSTER KEYSLOT foo
    CLUSTER KEYSLOT {foo}bar
    CLUSTER KEYSLOT foo{}{bar}
    CLUSTER KEYSLOT foo{{bar}}zap
    CLUSTER KEYSLOT foo{bar}{zap}
    CLUSTER KEYSLOT {foo
    CLUSTER KEYSLOT }foo{bar}
    CLUSTER FAILOVER
    CLUSTER FAILOVER x
    CLUSTER FAILOVER FORCE
    CLUSTER FAILOVER TAKEOVER
    CLUSTER FAILOVER FORCE TAKEOVER
    CLUSTER FORGET
    CLUSTER FORGET x
    CLUSTER FORGET .A
    CLUSTER FORGET .X
    CLUSTER FORGET .A .X
    CLUSTER LINKS x
    CLUSTER LINKS
    CLUSTER MEET
    CLUSTER MEET 127.0.0.1
    CLUSTER MEET x 1
    CLUSTER MEET localhost 7000
    CLUSTER MEET 127.0.0.1 x
    CLUSTER MEET 127.0.0.1 0
    CLUSTER MEET 127.0.0.1 65536
    CLUSTER MEET 127.0.0.1 -1
    CLUSTER MEET 127.0.0.1 1 x
    CLUSTER MEET 127.0.0.1 1 0
    CLUSTER MEET 127.0.0.1 1 65536
    CLUSTER MEET 127.0.0.1 1 -1
    CLUSTER MEET 127.0.0.1 60000
    CLUSTER MEET 127.0.0.1 1 2 3
    CLUSTER MEET 256.0.0.1 7000
    CLUSTER MYID x
    CLUSTER MYID
    CLUSTER MYSHARDID x
    CLUSTER MYSHARDID
    CLUSTER NODES x
    CLUSTER REPLICAS
    CLUSTER REPLICAS x
    CLUSTER REPLICAS .X
    CLUSTER SLAVES
    CLUSTER SLAVES x
    CLUSTER REPLICATE
    CLUSTER REPLICATE x
    CLUSTER REPLICATE .X
    CLUSTER REPLICATE .A
    CLUSTER REPLICATE NO ONE
    CLUSTER RESET x
    CLUSTER RESET HARD SOFT
    CLUSTER SAVECONFIG
    CLUSTER SAVECONFIG x
    CLUSTER SET-CONFIG-EPOCH
    CLUSTER SET-CONFIG-EPOCH x
    CLUSTER SET-CONFIG-EPOCH -1
    CLUSTER SET-CONFIG-EPOCH 99999999999999999999
    CLUSTER SETSLOT
    CLUSTER SETSLOT 0
    CLUSTER SETSLOT 0 x
    CLUSTER SETSLOT x STABLE
    CLUSTER SETSLOT 16384 STABLE
    CLUSTER SETSLOT -1 NODE x
    CLUSTER SETSLOT 0 NODE
    CLUSTER SETSLOT 0 NODE x
    CLUSTER SETSLOT 0 NODE .X
    CLUSTER SETSLOT 0 MIGRATING
    CLUSTER SETSLOT 0 IMPORTING
    CLUSTER SETSLOT 0 STABLE x
    CLUSTER SETSLOT 0 STABLE
    CLUSTER SETSLOT 0 stable
    CLUSTER SETSLOT 0 NODE .A x
    CLUSTER SHARDS x
    CLUSTER SLOTS x
    CLUSTER INFO x
    CLUSTER FLUSHSLOTS x
    CLUSTER SLOT-STATS
    CLUSTER SLOT-STATS x
    CLUSTER SLOT-STATS SLOTSRANGE
    CLUSTER SLOT-STATS SLOTSRANGE 0
    CLUSTER SLOT-STATS SLOTSRANGE x 1
    CLUSTER SLOT-STATS SLOTSRANGE 2 1
    CLUSTER SLOT-STATS SLOTSRANGE 0 16384
    CLUSTER SLOT-STATS SLOTSRANGE -1 2
    CLUSTER SLOT-STATS SLOTSRANGE 0 2
    CLUSTER SLOT-STATS SLOTSRANGE 0 2 3
    CLUSTER SLOT-STATS ORDERBY
    CLUSTER SLOT-STATS ORDERBY x
    CLUSTER SLOT-STATS ORDERBY KEY-COUNT
    CLUSTER SLOT-STATS ORDERBY KEY-COUNT LIMIT
    CLUSTER SLOT-STATS ORDERBY KEY-COUNT LIMIT x
    CLUSTER SLOT-STATS ORDERBY KEY-COUNT LIMIT 0
    CLUSTER SLOT-STATS ORDERBY KEY-COUNT LIMIT 16385
    CLUSTER SLOT-STATS ORDERBY KEY-COUNT LIMIT 2
    CLUSTER SLOT-STATS ORDERBY KEY-COUNT LIMIT 2 ASC
    CLUSTER SLOT-STATS ORDERBY KEY-COUNT ASC LIMIT 2
    CLUSTER SLOT-STATS ORDERBY KEY-COUNT ASC DESC
    CLUSTER SLOT-STATS ORDERBY KEY-COUNT LIMIT 1 LIMIT 2
    CLUSTER SLOT-STATS ORDERBY CPU-USEC
    CLUSTER SLOT-STATS ORDERBY NETWORK-BYTES-IN
    CLUSTER SLOT-STATS ORDERBY NETWORK-BYTES-OUT LIMIT 1
    MULTI ; CLUSTER MYID ; CLUSTER KEYSLOT a ; CLUSTER ADDSLOTS x ; EXEC
    MULTI ; CLUSTER ADDSLOTS ; EXEC
    READONLY
    READWRITE
    READONLY x
    READWRITE x
    ASKING
    ASKING x
    MULTI ; READONLY ; READWRITE ; ASKING ; EXEC
    EVAL return(redis.call('cluster','keyslot','a')) 0
    EVAL return(redis.call('cluster','reset','hard')) 0
    EVAL return(redis.call('cluster','nodes')) 0
    EVAL return(redis.call('readonly')) 0
    EVAL return(redis.call('asking')) 0
    EVAL return(redis.call('cluster','addslots','x')) 0
    REPLICAOF NO ONE
    REPLICAOF 127.0.0.1 1
    SLAVEOF 127.0.0.1 1
    FAILOVER
    SELECT 0
    SELECT 1
    SELECT x
    SWAPDB 0 1
    SWAPDB 0 0
    MOVE b 1
    MOVE b 0
    COPY b {b}1 DB 1
    COPY b {b}1 DB 0
    CONFIG GET cluster-enabled
    CONFIG GET databases
    CONFIG SET cluster-enabled no
    CONFIG SET cluster-port 1
    CONFIG SET cluster-config-file x
    CONFIG SET cluster-node-timeout x
    CONFIG SET cluster-announce-hostname a_b
    CONFIG SET cluster-announce-human-nodename a?b
    CONFIG SET cluster-preferred-endpoint-type x
    CONFIG SET cluster-link-sendbuf-limit x
    CONFIG GET cluster-*
    DEBUG CLUSTERLINK KILL TO x
    DEBUG CLUSTERLINK KILL ALL .X
    DEBUG DROP-CLUSTER-PACKET-FILTER
    DEBUG DROP-CLUSTER-PACKET-FILTER x
    DEBUG DROP-CLUSTER-PACKET-FILTER -1
    COMMAND GETKEYS CLUSTER KEYSLOT a
    COMMAND INFO asking
    COMMAND INFO cluster|setslot
    COMMAND INFO readonly
    INFO cluster
    ROLE
    PING
    PUBLISH a b
    PUBSUB SHARDCHANNELS
    PUBSUB SHARDNUMSUB a b
    KEYS *
    DBSIZE
    RANDOMKEY
    SCAN 0
    FLUSHALL
    FLUSHDB
"""
"""To a node without slots, which knows no other."""

AFTER_CHANGES = """
    CLUSTER NODES
    CLUSTER INFO
    CLUSTER SLOTS
    CLUSTER SHARDS
    CLUSTER ADDSLOTS 1 2 5
    CLUSTER ADDSLOTS 5
    CLUSTER ADDSLOTS 6 5
    CLUSTER ADDSLOTSRANGE 10 20 4 6
    CLUSTER ADDSLOTSRANGE 10 20 30 30
    CLUSTER NODES
    CLUSTER SLOTS
    CLUSTER SHARDS
    CLUSTER DELSLOTS 3
    CLUSTER DELSLOTS 1 3
    CLUSTER DELSLOTS 1
    CLUSTER DELSLOTSRANGE 11 12 14 15
    CLUSTER DELSLOTSRANGE 11 12
    CLUSTER DELSLOTSRANGE 10 12
    CLUSTER NODES
    CLUSTER SLOTS
    CLUSTER SET-CONFIG-EPOCH 0
    CLUSTER SET-CONFIG-EPOCH 7
    CLUSTER SET-CONFIG-EPOCH 8
    CLUSTER INFO
    CLUSTER BUMPEPOCH
    CLUSTER REPLICAS .A
    CLUSTER SETSLOT 5 MIGRATING .A
    CLUSTER SETSLOT 5 MIGRATING .X
    CLUSTER SETSLOT 5 IMPORTING .A
    CLUSTER SETSLOT 6 MIGRATING .A
    CLUSTER SETSLOT 6 IMPORTING .A
    CLUSTER SETSLOT 6 IMPORTING .X
    CLUSTER SETSLOT 5 NODE .A
    CLUSTER SETSLOT 6 NODE .A
    CLUSTER REPLICATE .A
    CLUSTER FLUSHSLOTS
    CLUSTER SLOTS
    CLUSTER NODES
    CLUSTER RESET
    CLUSTER INFO
    CLUSTER RESET SOFT
    CLUSTER RESET hard
    CLUSTER INFO
    CLUSTER MYID
    CLUSTER SET-CONFIG-EPOCH 3
    CLUSTER INFO
    MULTI ; CLUSTER RESET HARD ; CLUSTER SET-CONFIG-EPOCH 4 ; EXEC
    CLUSTER INFO
"""
"""To the same: what changes it."""

KEYS = r"""
    GET b
    SET b 1
    MGET b {b}1
    MGET b c
    MSET b 1 {b}1 2
    MSET b 1 c 2
    MSETNX b 1 c 2
    DEL b c
    UNLINK b c
    EXISTS b c
    TOUCH b c
    RENAME b c
    RENAME b {b}2
    RENAMENX b c
    COPY b c
    COPY b {b}2
    COPY b {b}3 REPLACE
    SINTER b c
    SINTERCARD 2 b c
    SINTERCARD 1 b
    SINTERSTORE b c d
    SMOVE b c x
    LMOVE b c LEFT LEFT
    RPOPLPUSH b c
    BLPOP b c 0
    BLMPOP 0 2 b c LEFT
    LMPOP 2 b c LEFT
    LMPOP x b c LEFT
    ZADD {b}z 1 x
    ZUNION 2 {b}z c
    ZUNIONSTORE {b}y 1 {b}z
    ZUNIONSTORE c 1 {b}z
    ZRANGESTORE c {b}z 0 -1
    BZPOPMIN b c 0
    ZMPOP 2 b c MIN
    PFCOUNT b c
    PFMERGE b c
    BITOP AND b c
    BITOP AND {b}1 {b}2 {b}3
    LCS b c
    GEORADIUS {b}g 0 0 1 m STORE c
    GEOSEARCHSTORE c {b}g FROMLONLAT 0 0 BYRADIUS 1 m
    OBJECT ENCODING b
    OBJECT ENCODING nowhere
    OBJECT HELP x
    MEMORY USAGE b
    DUMP b
    XADD {b}s 1-1 f v
    XREAD STREAMS {b}s c 0 0
    XREAD STREAMS {b}s 0
    XREAD COUNT 1 STREAMS c 0
    XREAD STREAMS
    XREADGROUP GROUP g n STREAMS {b}s c > >
    XGROUP CREATE c g $ MKSTREAM
    XINFO STREAM c
    SORT {b}l BY c*
    SORT {b}l BY nosort
    SORT {b}l GET #
    SORT {b}l GET c*
    SORT {b}l BY {b}w_* GET {b}v_*
    SORT {b}l BY {b}*w
    SORT {b}l BY {c}w_*
    SORT {b}l BY w_* GET {b}v_*
    SORT {b}l BY x{b}_*
    SORT {b}l BY *{b}
    SORT {b}l BY {b*}
    SORT {b}l STORE c
    SORT {b}l STORE {b}m
    SORT_RO {b}l BY w_*
    SORT_RO {b}l BY {b}w_*
    RPUSH {b}l 1 2 ; SORT {b}l BY {b}w_* GET {b}v_* ; SORT {b}l BY w_* ; SORT {b}l GET v_*
    MULTI ; SET b 2 ; SET {b}1 2 ; EXEC
    MULTI ; SET b 2 ; SET c 2 ; EXEC
    MULTI ; SET b 2 ; MGET b c ; EXEC
    MULTI ; PING ; SET c 2 ; PING ; EXEC
    MULTI ; GET b ; GET c ; DISCARD
    MULTI ; EXEC
    WATCH b c
    WATCH b ; MULTI ; SET b 1 ; EXEC
    WATCH b ; WATCH c ; MULTI ; SET {b}1 1 ; EXEC
    EVAL return(1) 0
    EVAL return(1) 1 b
    EVAL return(1) 2 b c
    EVAL return(1) 2 b {b}1
    EVAL return(redis.call('set','b','1')) 0
    EVAL return(redis.call('set','c','1')) 0
    EVAL return(redis.call('set','c','1')) 1 b
    EVAL return(redis.call('mget','b','c')) 0
    EVAL return(redis.pcall('mget','b','c')) 0
    EVAL redis.call('set','b','1')return(redis.call('set','c','1')) 0
    EVAL return(redis.call('set',KEYS[1],'1')) 1 c
    EVAL #!lua\\nreturn(redis.call('set','b','1')) 0
    EVAL #!lua\\nredis.call('set','b','1')return(redis.call('set','c','1')) 0
    EVAL #!lua\\nredis.call('set','b','1')return(redis.pcall('set','c','1')) 0
    EVAL #!lua\\nreturn(redis.call('set','c','1')) 1 b
    EVAL #!lua\\nreturn(redis.call('get','c')) 0
    EVAL #!lua\\nreturn(redis.call('get','{b}1')) 1 b
    EVAL #!lua\\nreturn(redis.call('ping')) 1 b
    EVAL #!lua\\nreturn(redis.call('del','b','c')) 0
    EVAL #!lua\\nreturn(redis.pcall('del','b','c')) 0
    EVAL #!lua\\nflags=allow-cross-slot-keys\\nreturn(1) 0
    EVAL #!lua\\sflags=allow-cross-slot-keys\\nredis.call('set','b','1')return(redis.call('set','c','1')) 0
    EVAL #!lua\\sflags=allow-cross-slot-keys\\nreturn(redis.call('mget','b','c')) 0
    EVAL #!lua\\sflags=allow-cross-slot-keys\\nreturn(1) 2 b c
    EVAL #!lua\\sflags=allow-cross-slot-keys,no-writes\\nreturn(redis.call('get','c')) 1 b
    EVAL #!lua\\sflags=no-cluster\\nreturn(1) 0
    EVAL #!lua\\sflags=no-cluster\\nreturn(1) 1 c
    EVAL_RO return(redis.call('get','b')) 1 b
    EVAL_RO return(1) 1 c
    EVALSHA ffffffffffffffffffffffffffffffffffffffff 0
    EVALSHA ffffffffffffffffffffffffffffffffffffffff 1 c
    EVALSHA ffffffffffffffffffffffffffffffffffffffff 2 b c
    MULTI ; EVAL return(redis.call('set','c','1')) 0 ; EXEC
    MULTI ; SET b 1 ; EVAL return(1) 1 c ; EXEC
    FUNCTION LOAD f1 1
    FUNCTION LOAD f2 2
    FUNCTION LOAD f3 2 allow-cross-slot-keys
    FUNCTION LOAD f4 1 no-cluster
    FCALL f1 0
    FCALL f1 1 c
    FCALL f1 1 b
    FCALL f1 2 b c
    FCALL f2 0
    FCALL f3 0
    FCALL f3 1 b
    FCALL f4 0
    FCALL f4 1 c
    FCALL nothing 0
    FCALL nothing 1 c
    FUNCTION STATS
    FUNCTION FLUSH
    SSUBSCRIBE b
    SSUBSCRIBE b {b}1
    SSUBSCRIBE b c
    SSUBSCRIBE c
    SSUBSCRIBE b ; SSUBSCRIBE {b}1 ; SUNSUBSCRIBE b ; SUNSUBSCRIBE
    SSUBSCRIBE b ; PUBSUB SHARDCHANNELS ; PING
    SSUBSCRIBE b ; GET b
    SSUBSCRIBE b ; SUNSUBSCRIBE c
    SUNSUBSCRIBE c
    SUNSUBSCRIBE
    SPUBLISH b x
    SPUBLISH c x
    MULTI ; SPUBLISH b x ; GET b ; EXEC
    MULTI ; SPUBLISH b x ; GET c ; EXEC
    MULTI ; SSUBSCRIBE b ; EXEC
    SUBSCRIBE c ; UNSUBSCRIBE c
    PUBLISH c x
    EVAL return(redis.call('spublish','b','x')) 1 b
    EVAL return(redis.call('spublish','c','x')) 1 b
    READONLY ; GET b ; GET c ; SET b 1 ; READWRITE
    ASKING ; GET b
    ASKING ; GET c
    ASKING ; PING ; GET c
    ASKING ; MGET b c
    MIGRATE 127.0.0.1 1 c 0 1000
    MIGRATE 127.0.0.1 1 nothing 0 1000
    MIGRATE 127.0.0.1 1 "" 0 1 KEYS b c
    MIGRATE 127.0.0.1 1 "" 0 1 KEYS {b}nothing
    RESTORE c 0 x
    RESTORE-ASKING c 0 x
    RESTORE-ASKING b 0 x
    SCAN 0 MATCH {b}* COUNT 1000
    CLIENT NO-EVICT ON
    CLIENT TRACKING ON ; GET b ; GET c
    CLIENT TRACKING ON OPTIN ; CLIENT CACHING YES ; GET c
    COMMAND GETKEYS MGET b c
    COMMAND GETKEYSANDFLAGS SET b c
    MGET
    GET
    EVAL return(1) x
    EVAL return(1) 5 b
    EVAL return(1) -1
    NOTHING b c
    CLUSTER COUNTKEYSINSLOT 3300
    CLUSTER KEYSLOT b
    PUBSUB SHARDNUMSUB b c
    MOVE b 1
    SWAPDB 0 1
    SELECT 1
    PING ; GET c ; PING ; SET b 1 ; GET b ; DEL c b ; PING
    XREAD BLOCK 1 STREAMS c $
    WAIT 0 0 ; GET c
    DEBUG SLEEP 0
    OBJECT FREQ c
    GETSET c 1
    SINTERCARD 0 c
    HSET c f v
    ZINTERSTORE b 2 c d
    ZINTERSTORE b 9 c
    ZDIFF 2 c b
    SUNSUBSCRIBE b c
    LATENCY RESET
    CONFIG RESETSTAT
    GET d
    SET d 1
    MGET b d
    MGET d {d}1
    MSET d 1 {d}1 2
    EVAL return(1) 1 d
    EVAL return(redis.call('get','d')) 0
    EVAL #!lua\nreturn(redis.call('get','d')) 0
    EVAL return(redis.call('get','d')) 1 b
    FCALL nothing 1 d
    MULTI ; GET d ; EXEC
    MULTI ; GET b ; GET d ; EXEC
    WATCH d
    SSUBSCRIBE d
    SPUBLISH d x
    BLPOP d 0
    XREAD STREAMS d 0
    SORT d STORE b
    SORT d
    ASKING ; GET d
    READONLY ; GET d
    PING ; GET d ; PING ; GET b
    RESTORE d 0 x
    MIGRATE 127.0.0.1 1 d 0 1000
    PFCOUNT d
    DEL d
    CLUSTER COUNTKEYSINSLOT 11298
    CLUSTER GETKEYSINSLOT 11298 1
    FLUSHALL
"""
"""To a node that has the slots up to 8191, another has the others; `b` and `c` are here, `a`, `d`, `foo` are there."""

MOVING = r"""
    GET b
    GET {b}gone
    SET {b}gone 1
    SET b 1
    MGET b {b}kept
    MGET b {b}gone
    MGET {b}gone {b}gone2
    MGET b c
    DEL {b}gone
    DEL b {b}gone
    EXISTS b {b}gone
    EXISTS {b}gone {b}gone2
    RENAME {b}kept {b}gone
    COPY b {b}gone
    SINTERSTORE {b}gone b
    LPUSH {b}gone x
    BLPOP {b}gone 0
    BLPOP {b}gone {b}gone2 0
    EVAL return(1) 0
    EVAL return(1) 1 {b}gone
    EVAL return(redis.call('get','b')) 1 b
    EVAL return(redis.call('get','{b}gone')) 0
    EVAL return(redis.call('get','{b}gone')) 1 b
    EVAL return(redis.pcall('get','{b}gone')) 1 b
    EVAL return(redis.call('mget','b','{b}gone')) 0
    EVAL return(redis.call('set','{b}gone','1')) 1 b
    MULTI ; GET b ; GET {b}kept ; EXEC
    MULTI ; GET b ; GET {b}gone ; EXEC
    MULTI ; GET {b}gone ; EXEC
    MULTI ; SET b 1 ; SET {b}kept 1 ; EXEC
    WATCH b
    WATCH {b}gone
    WATCH b {b}gone
    ASKING ; GET {b}gone
    ASKING ; GET b
    ASKING ; MGET b {b}gone
    ASKING ; MGET {b}gone {b}gone2
    ASKING ; SET {b}gone 1
    ASKING ; MULTI ; GET {b}gone ; GET {b}gone2 ; EXEC
    MULTI ; ASKING ; GET {b}gone ; EXEC
    ASKING ; ASKING ; GET {b}gone
    ASKING ; PING ; GET {b}gone
    ASKING ; EVAL return(redis.call('get',KEYS[1])) 1 {b}gone
    ASKING ; EVAL return(redis.call('get','{b}gone2')) 1 {b}gone
    ASKING ; WATCH {b}gone
    ASKING ; SSUBSCRIBE b
    READONLY ; GET {b}gone ; GET b
    SSUBSCRIBE b
    SSUBSCRIBE b {b}1
    SPUBLISH b x
    MIGRATE 127.0.0.1 1 {b}gone 0 1000
    RESTORE-ASKING {b}gone 0 x
    DUMP {b}gone
    OBJECT ENCODING {b}gone
    SORT {b}gone BY {b}w_*
    XREAD STREAMS {b}gone 0
    XREAD STREAMS b {b}gone 0 0
    PFCOUNT {b}gone
    CLUSTER COUNTKEYSINSLOT 3300
    CLUSTER GETKEYSINSLOT 3300 10
    CLUSTER SLOTS
"""
"""To either node while slot 3300 moves from A to B; A holds `b` and `{b}kept`, B holds nothing of it."""

ENDING = r"""
    CLUSTER SETSLOT 3300 NODE .A
    CLUSTER SETSLOT 3300 NODE .B
    CLUSTER SETSLOT 3300 MIGRATING .A
    CLUSTER SETSLOT 3300 MIGRATING .B
    CLUSTER SETSLOT 3300 IMPORTING .A
    CLUSTER SETSLOT 3300 IMPORTING .B
    CLUSTER SETSLOT 3300 MIGRATING .X
    CLUSTER SETSLOT 15495 MIGRATING .A
    CLUSTER SETSLOT 15495 IMPORTING .B
    CLUSTER SETSLOT 15495 NODE .X
    CLUSTER ADDSLOTS 3300
    CLUSTER FAILOVER
    CLUSTER REPLICATE .B
    CLUSTER RESET
    CLUSTER FORGET .B
"""
"""To both then: what changes it."""

REPLICA = r"""
    GET b
    SET b 1
    GET a
    READONLY ; GET b ; SET b 1 ; GET a ; READWRITE ; GET b
    READONLY ; MGET b {b}1 ; MGET b c
    READONLY ; MULTI ; GET b ; GET {b}1 ; EXEC
    READONLY ; MULTI ; GET b ; SET b 1 ; EXEC
    READONLY ; MULTI ; GET b ; GET a ; EXEC
    MULTI ; GET b ; EXEC
    READONLY ; EVAL return(redis.call('get',KEYS[1])) 1 b
    READONLY ; EVAL return(redis.call('set',KEYS[1],1)) 1 b
    READONLY ; EVAL #!lua\\nreturn(redis.call('set',KEYS[1],1)) 1 b
    READONLY ; EVAL #!lua\\sflags=no-writes\\nreturn(redis.call('get',KEYS[1])) 1 b
    READONLY ; EVAL #!lua\\sflags=no-writes\\nreturn(redis.call('get','a')) 0
    READONLY ; EVAL_RO return(redis.call('get',KEYS[1])) 1 b
    EVAL_RO return(redis.call('get',KEYS[1])) 1 b
    EVAL return(1) 0
    EVAL return(redis.call('set','b',1)) 0
    EVAL return(redis.call('get','b')) 0
    READONLY ; EVAL return(redis.call('get','b')) 0
    READONLY ; WATCH b ; WATCH a
    WATCH b
    ASKING ; GET b
    READONLY ; ASKING ; SET b 1
    SSUBSCRIBE b
    SSUBSCRIBE a
    READONLY ; SSUBSCRIBE b
    SPUBLISH b x
    SPUBLISH a x
    PUBLISH a x
    MULTI ; SPUBLISH b x ; EXEC
    MULTI ; SPUBLISH b x ; GET b ; EXEC
    MULTI ; SPUBLISH b x ; SET b 1 ; EXEC
    READONLY ; MULTI ; SPUBLISH b x ; GET b ; EXEC
    READONLY ; PFCOUNT {b}h
    READONLY ; XREAD STREAMS {b}s 0
    READONLY ; SORT {b}l
    READONLY ; SORT_RO {b}l
    READONLY ; GEORADIUS {b}g 0 0 1 m
    READONLY ; BLPOP {b}l 1
    READONLY ; BITFIELD b GET u8 0
    READONLY ; BITFIELD b SET u8 0 1
    READONLY ; OBJECT ENCODING b
    READONLY ; DUMP {b}nothing
    READONLY ; GETEX b
    READONLY ; RESET ; GET b
    READONLY ; DISCARD
    FLUSHALL
    KEYS *
    DBSIZE
    CLUSTER COUNTKEYSINSLOT 3300
    CLUSTER GETKEYSINSLOT 3300 9
    CLUSTER ADDSLOTS 1
    CLUSTER SETSLOT 3300 MIGRATING .B
    CLUSTER SETSLOT 3300 STABLE
    CLUSTER REPLICATE .R
    CLUSTER REPLICATE .X
    CLUSTER REPLICAS .A
    CLUSTER REPLICAS .R
    CLUSTER FORGET .A
    CLUSTER SET-CONFIG-EPOCH 9
    CLUSTER FAILOVER x
    CLUSTER RESET x
    CLUSTER SLOTS
    CLUSTER MYID
    REPLICAOF NO ONE
    ROLE
    WAIT 0 0
    INFO cluster
"""
"""To a replica of A."""

DOWN = r"""
    GET b
    SET b 1
    GET a
    MGET b c
    MGET b a
    EVAL return(1) 0
    EVAL return(1) 1 b
    EVAL return(1) 1 a
    EVAL return(redis.call('get','b')) 0
    EVAL return(redis.call('get','a')) 0
    EVAL_RO return(1) 1 b
    EVAL #!lua\\nreturn(1) 0
    EVAL #!lua\\nreturn(redis.call('get','b')) 0
    EVAL #!lua\\nreturn(redis.call('set','b','1')) 0
    EVAL #!lua\\sflags=no-writes\\nreturn(redis.call('get','b')) 1 b
    MULTI ; GET b ; EXEC
    MULTI ; PING ; EXEC
    WATCH b
    SSUBSCRIBE b
    SSUBSCRIBE a
    SPUBLISH b x
    PUBLISH b x
    SUBSCRIBE b
    BLPOP b 0
    READONLY ; GET b
    ASKING ; GET b
    SORT b
    XREAD STREAMS b 0
    FLUSHALL
    KEYS *
    PING
    DEL b c
    CLUSTER COUNTKEYSINSLOT 3300
    CLUSTER SLOTS
    CLUSTER INFO
    INFO cluster
    MIGRATE 127.0.0.1 1 b 0 1000
    COPY b {b}1
    OBJECT ENCODING b
"""
"""To a node that has the slots up to 8191 while nobody has the others."""
