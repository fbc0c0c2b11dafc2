"""Reading the bits of an H.264 header."""


class BitReader:
    """Bits from the first byte's highest on. Past the end it reads zeros.

    left: how many are left; below 0 past the end.
    """

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self.left = 8 * len(data)

    def bits(self, count: int) -> int:
        """The next `count` bits as an unsigned number."""
        self.left -= count
        shifted = self._value >> self.left if self.left >= 0 else self._value << -self.left
        return shifted & ((1 << count) - 1)

    def flag(self) -> bool:
        """The next bit."""
        return bool(self.bits(1))

    def unsigned(self) -> int:
        """The next unsigned Exp-Golomb number (ITU-T H.264, 9.1); 0 past the end."""
        zeros = 0
        while self.left > 0 and not self.bits(1):
            zeros += 1
        if self.left <= 0:
            return 0
        return (1 << zeros) - 1 + self.bits(zeros)

    def signed(self) -> int:
        """The next signed Exp-Golomb number (9.1.1)."""
        number = self.unsigned()
        return (number + 1) // 2 if number % 2 else -(number // 2)
