"""Bitmap commands, line by line as the real server answers them."""

import shlex

from pytest import mark

# Keys: s and t are strings, l a list, n an integer; `none…` are missing.
PREPARED = ["SET s foobar", "SET t abcdefgh", "SET n 42", "SET e ''"]

SCRIPTS = {
    "setbit and getbit": """
        SETBIT none 7 1
        GET none
        SETBIT none 7 0
        SETBIT none 7 0
        SETBIT none 17 0
        GET none
        SETBIT s 1 0
        GET s
        SETBIT n 0 1
        GET n
        SETBIT n 15 1
        SETBIT s -1 1
        SETBIT s 01 1
        SETBIT s '#1' 1
        SETBIT s 4294967296 1
        SETBIT s 1 2
        SETBIT s 1 -1
        SETBIT s 1 x
        SETBIT s 1 01
        SETBIT l x 2
        SETBIT l 1 x
        SETBIT l 1 1
        SETBIT s 1
        GETBIT s 1
        GETBIT s 47
        GETBIT s 48
        GETBIT s 4294967295
        GETBIT s 4294967296
        GETBIT s x
        GETBIT l x
        GETBIT l 1
        GETBIT none9 1
    """,
    "bitcount": """
        BITCOUNT s
        BITCOUNT n
        BITCOUNT e
        BITCOUNT none
        BITCOUNT l
        BITCOUNT s 0 0
        BITCOUNT s 1 1 BYTE
        BITCOUNT s 5 30 BIT
        BITCOUNT s -2 -1 bit
        BITCOUNT s -9 -3 bit
        BITCOUNT s -1 -2
        BITCOUNT s 3 1
        BITCOUNT s 0 -100
        BITCOUNT s -100 0
        BITCOUNT s 0
        BITCOUNT l 0
        BITCOUNT s 0 1 foo
        BITCOUNT l 0 1 foo
        BITCOUNT s 0 1 bit foo
        BITCOUNT s x 1
        BITCOUNT none 1 x
        BITCOUNT e 0 -1
    """,
    "bitpos": """
        SETBIT none 17 1
        BITPOS none 1
        BITPOS none 0
        BITPOS none 1 1
        BITPOS none 1 2 -1
        BITPOS none 1 0 1
        BITPOS none 1 17 17 BIT
        BITPOS none 1 18 -1 bit
        BITPOS none 0 17 17 BIT
        BITPOS s 0
        BITPOS s 1 100
        BITPOS e 0
        BITPOS e 1
        BITPOS e 0 0 -1
        BITPOS n 1 -1
        BITPOS none9 0
        BITPOS none9 1
        BITPOS none9 0 5 9
        BITPOS none9 1 5 9 bit
        SETRANGE ff 0 ''
        BITFIELD ff SET u8 0 255 SET u8 8 255
        BITPOS ff 0
        BITPOS ff 0 0
        BITPOS ff 0 1
        BITPOS ff 0 0 -1
        BITPOS ff 0 2
        BITPOS ff 0 0 -1 BIT
        BITPOS s 2
        BITPOS s -1
        BITPOS s x
        BITPOS l 2
        BITPOS l 1
        BITPOS s 1 x
        BITPOS s 1 0 x
        BITPOS s 1 0 x foo
        BITPOS s 1 x 0 foo
        BITPOS s 1 0 1 foo
        BITPOS s 1 0 1 bit foo
        BITPOS none9 0 x
        BITPOS s
    """,
    "bitop": """
        BITOP AND d s t
        GET d
        BITOP or d s t
        GET d
        BITOP XOR d s t none
        GET d
        BITOP NOT d s
        GET d
        BITOP DIFF d s t n
        GET d
        BITOP DIFF1 d s t n
        GET d
        BITOP ANDOR d s t n
        GET d
        BITOP ONE d s t n s
        GET d
        BITOP ONE d s
        BITOP AND d s
        BITOP NOT d s t
        BITOP NOT d l l
        BITOP DIFF d s
        BITOP diff1 d l
        BITOP ANDOR d none
        BITOP foo d l
        BITOP AND d s l
        BITOP AND d l s
        BITOP AND s s t
        GET s
        BITOP AND l s t
        GET l
        BITOP OR d none none2
        GET d
        BITOP OR none none none2
        BITOP NOT t e
        GET t
        BITOP AND d
    """,
    "bitfield": """
        BITFIELD none
        BITFIELD l
        BITFIELD l GET u8 0
        BITFIELD none GET u8 0
        GET none
        BITFIELD s GET u8 0 GET i8 8 GET u4 4 GET u63 40 GET i64 1000
        BITFIELD s GET u8 #1 GET i5 #3
        BITFIELD s SET u8 0 65 GET u8 0
        GET s
        BITFIELD none SET i16 3 -2 INCRBY i16 3 5 GET u16 3
        GET none
        BITFIELD a INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1
        BITFIELD a INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1
        BITFIELD a INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1
        BITFIELD a INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1
        BITFIELD a OVERFLOW FAIL INCRBY u2 102 1 GET u2 102
        BITFIELD fail OVERFLOW FAIL SET u2 0 9
        GET fail
        BITFIELD w SET u8 0 -1 OVERFLOW SAT SET u8 8 -1 SET i8 16 -1000 SET i8 24 1000
        GET w
        BITFIELD w OVERFLOW sat SET i8 0 -9223372036854775808 GET i8 0
        BITFIELD w OVERFLOW SAT INCRBY i64 0 9223372036854775807 INCRBY i64 0 9223372036854775807
        BITFIELD w OVERFLOW WRAP INCRBY i64 0 9223372036854775807 INCRBY u63 64 -1 INCRBY u63 64 1
        BITFIELD n SET u8 0 57
        INCR n
        BITFIELD s GET
        BITFIELD s GET u8
        BITFIELD s GET u64 0
        BITFIELD s GET i65 0
        BITFIELD s GET u0 0
        BITFIELD s GET U8 0
        BITFIELD s GET u08 0
        BITFIELD s GET 8 0
        BITFIELD s GET u8 -1
        BITFIELD s GET u8 '#'
        BITFIELD s GET u8 '#-1'
        BITFIELD s GET u8 4294967296
        BITFIELD s GET u8 '#536870911'
        BITFIELD s GET u8 '#536870912'
        BITFIELD s GET i64 '#576460752303423488'
        BITFIELD s GET i64 '#9223372036854775807'
        BITFIELD s SET u8 0
        BITFIELD s SET u8 0 x
        BITFIELD s SET u8 x x
        BITFIELD s SET u8 0 99 GET
        GET s
        BITFIELD s OVERFLOW
        BITFIELD s OVERFLOW foo
        BITFIELD s OVERFLOW sat
        BITFIELD s INCRBY u8 0 1 foo
        BITFIELD l SET u8 0 1
        BITFIELD
        BITFIELD_RO s GET u8 0
        BITFIELD_RO s OVERFLOW sat GET u8 0
        BITFIELD_RO s OVERFLOW foo GET u8 0
        BITFIELD_RO s SET u8 0 1
        BITFIELD_RO s SET u8 0 x
        BITFIELD_RO l SET u8 0 1
        BITFIELD_RO l GET u8 0
        BITFIELD_RO s
        BITFIELD_RO none9 GET u8 0
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, name):
    both.prepare_list("l")
    for line in (*PREPARED, *SCRIPTS[name].strip().splitlines()):
        both(*shlex.split(line))
