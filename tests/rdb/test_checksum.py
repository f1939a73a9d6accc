from pyredis.rdb.checksum import crc64


def test_the_check_value_of_crc_64_jones():
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA


def test_a_checksum_goes_on():
    assert crc64(b"6789", crc64(b"12345")) == crc64(b"123456789")
    assert crc64(b"") == 0
