// The DSDT of a guest with 2 vCPUs, 256 MiB, both serial ports and PS/2, as boot/dsdt.c encodes it. tests/test_acpi.c
// compiles this with optimizations off and wants the same bytes.
DefinitionBlock ("", "DSDT", 2, "VMDECK", "VMDECKPC", 0x01)
{
    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, Zero)
            Name (_BBN, Zero)
            Name (_CRS, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0x0000, 0x0000, 0x00FF, 0x0000, 0x0100)
                IO (Decode16, 0x0CF8, 0x0CF8, 0x01, 0x08)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0x0000, 0x0000, 0x0CF7, 0x0000, 0x0CF8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0x0000, 0x0D00, 0xADFF, 0x0000, 0xA100)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0x0000, 0xAE18, 0xAEFF, 0x0000, 0x00E8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0x0000, 0xAF0C, 0xAFDF, 0x0000, 0x00D4)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0x0000, 0xAFE4, 0xFFFF, 0x0000, 0x501C)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite, 0x00, 0x000A0000, 0x000BFFFF, 0x00, 0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite, 0x00, 0x80000000, 0xFEBFFFFF, 0x00, 0x7EC00000)
            })
            Name (_PRT, Package (0x7C)
            {
                Package (4) { 0x0001FFFF, Zero, \_SB.LNKS, Zero },
                Package (4) { 0x0001FFFF, One, LNKB, Zero },
                Package (4) { 0x0001FFFF, 0x02, LNKC, Zero },
                Package (4) { 0x0001FFFF, 0x03, LNKD, Zero },
                Package (4) { 0x0002FFFF, Zero, LNKB, Zero },
                Package (4) { 0x0002FFFF, One, LNKC, Zero },
                Package (4) { 0x0002FFFF, 0x02, LNKD, Zero },
                Package (4) { 0x0002FFFF, 0x03, LNKA, Zero },
                Package (4) { 0x0003FFFF, Zero, LNKC, Zero },
                Package (4) { 0x0003FFFF, One, LNKD, Zero },
                Package (4) { 0x0003FFFF, 0x02, LNKA, Zero },
                Package (4) { 0x0003FFFF, 0x03, LNKB, Zero },
                Package (4) { 0x0004FFFF, Zero, LNKD, Zero },
                Package (4) { 0x0004FFFF, One, LNKA, Zero },
                Package (4) { 0x0004FFFF, 0x02, LNKB, Zero },
                Package (4) { 0x0004FFFF, 0x03, LNKC, Zero },
                Package (4) { 0x0005FFFF, Zero, LNKA, Zero },
                Package (4) { 0x0005FFFF, One, LNKB, Zero },
                Package (4) { 0x0005FFFF, 0x02, LNKC, Zero },
                Package (4) { 0x0005FFFF, 0x03, LNKD, Zero },
                Package (4) { 0x0006FFFF, Zero, LNKB, Zero },
                Package (4) { 0x0006FFFF, One, LNKC, Zero },
                Package (4) { 0x0006FFFF, 0x02, LNKD, Zero },
                Package (4) { 0x0006FFFF, 0x03, LNKA, Zero },
                Package (4) { 0x0007FFFF, Zero, LNKC, Zero },
                Package (4) { 0x0007FFFF, One, LNKD, Zero },
                Package (4) { 0x0007FFFF, 0x02, LNKA, Zero },
                Package (4) { 0x0007FFFF, 0x03, LNKB, Zero },
                Package (4) { 0x0008FFFF, Zero, LNKD, Zero },
                Package (4) { 0x0008FFFF, One, LNKA, Zero },
                Package (4) { 0x0008FFFF, 0x02, LNKB, Zero },
                Package (4) { 0x0008FFFF, 0x03, LNKC, Zero },
                Package (4) { 0x0009FFFF, Zero, LNKA, Zero },
                Package (4) { 0x0009FFFF, One, LNKB, Zero },
                Package (4) { 0x0009FFFF, 0x02, LNKC, Zero },
                Package (4) { 0x0009FFFF, 0x03, LNKD, Zero },
                Package (4) { 0x000AFFFF, Zero, LNKB, Zero },
                Package (4) { 0x000AFFFF, One, LNKC, Zero },
                Package (4) { 0x000AFFFF, 0x02, LNKD, Zero },
                Package (4) { 0x000AFFFF, 0x03, LNKA, Zero },
                Package (4) { 0x000BFFFF, Zero, LNKC, Zero },
                Package (4) { 0x000BFFFF, One, LNKD, Zero },
                Package (4) { 0x000BFFFF, 0x02, LNKA, Zero },
                Package (4) { 0x000BFFFF, 0x03, LNKB, Zero },
                Package (4) { 0x000CFFFF, Zero, LNKD, Zero },
                Package (4) { 0x000CFFFF, One, LNKA, Zero },
                Package (4) { 0x000CFFFF, 0x02, LNKB, Zero },
                Package (4) { 0x000CFFFF, 0x03, LNKC, Zero },
                Package (4) { 0x000DFFFF, Zero, LNKA, Zero },
                Package (4) { 0x000DFFFF, One, LNKB, Zero },
                Package (4) { 0x000DFFFF, 0x02, LNKC, Zero },
                Package (4) { 0x000DFFFF, 0x03, LNKD, Zero },
                Package (4) { 0x000EFFFF, Zero, LNKB, Zero },
                Package (4) { 0x000EFFFF, One, LNKC, Zero },
                Package (4) { 0x000EFFFF, 0x02, LNKD, Zero },
                Package (4) { 0x000EFFFF, 0x03, LNKA, Zero },
                Package (4) { 0x000FFFFF, Zero, LNKC, Zero },
                Package (4) { 0x000FFFFF, One, LNKD, Zero },
                Package (4) { 0x000FFFFF, 0x02, LNKA, Zero },
                Package (4) { 0x000FFFFF, 0x03, LNKB, Zero },
                Package (4) { 0x0010FFFF, Zero, LNKD, Zero },
                Package (4) { 0x0010FFFF, One, LNKA, Zero },
                Package (4) { 0x0010FFFF, 0x02, LNKB, Zero },
                Package (4) { 0x0010FFFF, 0x03, LNKC, Zero },
                Package (4) { 0x0011FFFF, Zero, LNKA, Zero },
                Package (4) { 0x0011FFFF, One, LNKB, Zero },
                Package (4) { 0x0011FFFF, 0x02, LNKC, Zero },
                Package (4) { 0x0011FFFF, 0x03, LNKD, Zero },
                Package (4) { 0x0012FFFF, Zero, LNKB, Zero },
                Package (4) { 0x0012FFFF, One, LNKC, Zero },
                Package (4) { 0x0012FFFF, 0x02, LNKD, Zero },
                Package (4) { 0x0012FFFF, 0x03, LNKA, Zero },
                Package (4) { 0x0013FFFF, Zero, LNKC, Zero },
                Package (4) { 0x0013FFFF, One, LNKD, Zero },
                Package (4) { 0x0013FFFF, 0x02, LNKA, Zero },
                Package (4) { 0x0013FFFF, 0x03, LNKB, Zero },
                Package (4) { 0x0014FFFF, Zero, LNKD, Zero },
                Package (4) { 0x0014FFFF, One, LNKA, Zero },
                Package (4) { 0x0014FFFF, 0x02, LNKB, Zero },
                Package (4) { 0x0014FFFF, 0x03, LNKC, Zero },
                Package (4) { 0x0015FFFF, Zero, LNKA, Zero },
                Package (4) { 0x0015FFFF, One, LNKB, Zero },
                Package (4) { 0x0015FFFF, 0x02, LNKC, Zero },
                Package (4) { 0x0015FFFF, 0x03, LNKD, Zero },
                Package (4) { 0x0016FFFF, Zero, LNKB, Zero },
                Package (4) { 0x0016FFFF, One, LNKC, Zero },
                Package (4) { 0x0016FFFF, 0x02, LNKD, Zero },
                Package (4) { 0x0016FFFF, 0x03, LNKA, Zero },
                Package (4) { 0x0017FFFF, Zero, LNKC, Zero },
                Package (4) { 0x0017FFFF, One, LNKD, Zero },
                Package (4) { 0x0017FFFF, 0x02, LNKA, Zero },
                Package (4) { 0x0017FFFF, 0x03, LNKB, Zero },
                Package (4) { 0x0018FFFF, Zero, LNKD, Zero },
                Package (4) { 0x0018FFFF, One, LNKA, Zero },
                Package (4) { 0x0018FFFF, 0x02, LNKB, Zero },
                Package (4) { 0x0018FFFF, 0x03, LNKC, Zero },
                Package (4) { 0x0019FFFF, Zero, LNKA, Zero },
                Package (4) { 0x0019FFFF, One, LNKB, Zero },
                Package (4) { 0x0019FFFF, 0x02, LNKC, Zero },
                Package (4) { 0x0019FFFF, 0x03, LNKD, Zero },
                Package (4) { 0x001AFFFF, Zero, LNKB, Zero },
                Package (4) { 0x001AFFFF, One, LNKC, Zero },
                Package (4) { 0x001AFFFF, 0x02, LNKD, Zero },
                Package (4) { 0x001AFFFF, 0x03, LNKA, Zero },
                Package (4) { 0x001BFFFF, Zero, LNKC, Zero },
                Package (4) { 0x001BFFFF, One, LNKD, Zero },
                Package (4) { 0x001BFFFF, 0x02, LNKA, Zero },
                Package (4) { 0x001BFFFF, 0x03, LNKB, Zero },
                Package (4) { 0x001CFFFF, Zero, LNKD, Zero },
                Package (4) { 0x001CFFFF, One, LNKA, Zero },
                Package (4) { 0x001CFFFF, 0x02, LNKB, Zero },
                Package (4) { 0x001CFFFF, 0x03, LNKC, Zero },
                Package (4) { 0x001DFFFF, Zero, LNKA, Zero },
                Package (4) { 0x001DFFFF, One, LNKB, Zero },
                Package (4) { 0x001DFFFF, 0x02, LNKC, Zero },
                Package (4) { 0x001DFFFF, 0x03, LNKD, Zero },
                Package (4) { 0x001EFFFF, Zero, LNKB, Zero },
                Package (4) { 0x001EFFFF, One, LNKC, Zero },
                Package (4) { 0x001EFFFF, 0x02, LNKD, Zero },
                Package (4) { 0x001EFFFF, 0x03, LNKA, Zero },
                Package (4) { 0x001FFFFF, Zero, LNKC, Zero },
                Package (4) { 0x001FFFFF, One, LNKD, Zero },
                Package (4) { 0x001FFFFF, 0x02, LNKA, Zero },
                Package (4) { 0x001FFFFF, 0x03, LNKB, Zero }
            })
            Device (ISA)
            {
                Name (_ADR, 0x00010000)
                OperationRegion (PIRQ, PCI_Config, 0x60, 0x04)
                Field (PIRQ, ByteAcc, NoLock, Preserve)
                {
                    PRQA,   8,
                    PRQB,   8,
                    PRQC,   8,
                    PRQD,   8
                }
                Device (RTC)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0070, 0x0070, 0x01, 0x02)
                        IRQNoFlags () {8}
                    })
                }
                Device (KBD)
                {
                    Name (_HID, EisaId ("PNP0303"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0060, 0x0060, 0x01, 0x01)
                        IO (Decode16, 0x0064, 0x0064, 0x01, 0x01)
                        IRQNoFlags () {1}
                    })
                }
                Device (MOU)
                {
                    Name (_HID, EisaId ("PNP0F13"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IRQNoFlags () {12}
                    })
                }
                Device (COM1)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, One)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x03F8, 0x03F8, 0x01, 0x08)
                        IRQNoFlags () {4}
                    })
                }
                Device (COM2)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 0x02)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x02F8, 0x02F8, 0x01, 0x08)
                        IRQNoFlags () {3}
                    })
                }
            }
            Device (FWCF)
            {
                Name (_HID, "QEMU0002")
                Name (_STA, 0x0B)
                Name (_CRS, ResourceTemplate ()
                {
                    IO (Decode16, 0x0510, 0x0510, 0x01, 0x0C)
                })
            }
        }
        Method (LSTA, 1, NotSerialized)
        {
            If ((Arg0 & 0x80))
            {
                Return (0x09)
            }
            Return (0x0B)
        }
        Name (RES0, ResourceTemplate ()
        {
            Interrupt (ResourceConsumer, Level, ActiveHigh, Shared)
                { 0x00 }
        })
        Method (LCRS, 1, Serialized)
        {
            CreateDWordField (RES0, 0x05, GSI0)
            If ((Arg0 < 0x80))
            {
                GSI0 = Arg0
            }
            Return (RES0)
        }
        Device (LNKA)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, One)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared)
                { 0x05, 0x0A, 0x0B }
            })
            Method (_STA, 0, NotSerialized)
            {
                Return (LSTA (\_SB.PCI0.ISA.PRQA))
            }
            Method (_DIS, 0, NotSerialized)
            {
                \_SB.PCI0.ISA.PRQA |= 0x80
            }
            Method (_CRS, 0, NotSerialized)
            {
                Return (LCRS (\_SB.PCI0.ISA.PRQA))
            }
            Method (_SRS, 1, Serialized)
            {
                CreateDWordField (Arg0, 0x05, GSI0)
                \_SB.PCI0.ISA.PRQA = GSI0
            }
        }
        Device (LNKB)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 0x02)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared)
                { 0x05, 0x0A, 0x0B }
            })
            Method (_STA, 0, NotSerialized)
            {
                Return (LSTA (\_SB.PCI0.ISA.PRQB))
            }
            Method (_DIS, 0, NotSerialized)
            {
                \_SB.PCI0.ISA.PRQB |= 0x80
            }
            Method (_CRS, 0, NotSerialized)
            {
                Return (LCRS (\_SB.PCI0.ISA.PRQB))
            }
            Method (_SRS, 1, Serialized)
            {
                CreateDWordField (Arg0, 0x05, GSI0)
                \_SB.PCI0.ISA.PRQB = GSI0
            }
        }
        Device (LNKC)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 0x03)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared)
                { 0x05, 0x0A, 0x0B }
            })
            Method (_STA, 0, NotSerialized)
            {
                Return (LSTA (\_SB.PCI0.ISA.PRQC))
            }
            Method (_DIS, 0, NotSerialized)
            {
                \_SB.PCI0.ISA.PRQC |= 0x80
            }
            Method (_CRS, 0, NotSerialized)
            {
                Return (LCRS (\_SB.PCI0.ISA.PRQC))
            }
            Method (_SRS, 1, Serialized)
            {
                CreateDWordField (Arg0, 0x05, GSI0)
                \_SB.PCI0.ISA.PRQC = GSI0
            }
        }
        Device (LNKD)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 0x04)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared)
                { 0x05, 0x0A, 0x0B }
            })
            Method (_STA, 0, NotSerialized)
            {
                Return (LSTA (\_SB.PCI0.ISA.PRQD))
            }
            Method (_DIS, 0, NotSerialized)
            {
                \_SB.PCI0.ISA.PRQD |= 0x80
            }
            Method (_CRS, 0, NotSerialized)
            {
                Return (LCRS (\_SB.PCI0.ISA.PRQD))
            }
            Method (_SRS, 1, Serialized)
            {
                CreateDWordField (Arg0, 0x05, GSI0)
                \_SB.PCI0.ISA.PRQD = GSI0
            }
        }
        Device (LNKS)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 0x05)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared)
                { 0x09 }
            })
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared)
                { 0x09 }
            })
            Name (_STA, 0x0B)
            Method (_DIS, 0, NotSerialized)
            {
            }
            Method (_SRS, 1, NotSerialized)
            {
            }
        }
        Device (C000)
        {
            Name (_HID, "ACPI0007")
            Name (_UID, Zero)
        }
        Device (C001)
        {
            Name (_HID, "ACPI0007")
            Name (_UID, One)
        }
    }
    Name (\_S5, Package (4) { Zero, Zero, Zero, Zero })
}
