/* The option ROM that loads a kernel which needs the BIOS. SeaBIOS takes it from fw_cfg, finds the boot entry
 * vector in its PnP header (Plug and Play BIOS Specification 1.0A, 3.2 and 3.3; BIOS Boot Specification 1.01,
 * 3.4) and calls it when everything else is set up. It reads a table from fw_cfg to TABLE: how to enter the
 * kernel, and DMA descriptors of fw_cfg that put each piece in its place (plan.c makes it). It then writes the
 * BIOS' memory map where the table wants it, and enters the kernel. The checksum is plan.c's.
 *
 * Below 1 MiB it uses TABLE to 5FFFh and the stack below 7000h. */
	.equ TABLE, 0x1000
	.equ TABLE_BYTES, 0x5000
	.equ STACK, 0x7000
	.equ DESC, 0x7000        /* the descriptor that reads the table */
	.equ FARPTR, 0x7020

	/* struct table in plan.c */
	.equ T_MODE, TABLE + 0
	.equ T_N, TABLE + 2
	.equ T_SEG, TABLE + 4
	.equ T_SP, TABLE + 6
	.equ T_EIP, TABLE + 8
	.equ T_EAX, TABLE + 12
	.equ T_EBX, TABLE + 16
	.equ T_ESI, TABLE + 20
	.equ T_MAP, TABLE + 24
	.equ T_MAP_BYTES, TABLE + 28
	.equ T_MAP_EXTRA, TABLE + 32
	.equ T_TOTAL, TABLE + 36
	.equ T_TOTAL_EXTRA, TABLE + 40
	.equ T_UPPER, TABLE + 44
	.equ T_GDTR, TABLE + 48
	.equ T_DESCS, TABLE + 80

	.equ FW_CFG_DMA, 0x514
	.equ MAP_MAX, 64
	.equ MAP_STRIDE, 24
	.equ SMAP, 0x534d4150

	.section .rodata
	.globl bootrom_start, bootrom_end
	.balign 16
bootrom_start:
	.byte 0x55, 0xaa, (bootrom_end - bootrom_start) / 512
	.code16
	lretw                    /* nothing to initialise */
	.org bootrom_start + 0x18
	.word 0                  /* no PCI data structure */
	.word pnp - bootrom_start
	.balign 16
pnp:	.ascii "$PnP"
	.byte 1, 2               /* revision; length in 16 bytes */
	.word 0                  /* no other header */
	.byte 0, 0               /* reserved; checksum, which SeaBIOS does not ask for */
	.long 0
	.word maker - bootrom_start, name - bootrom_start
	.byte 0, 0, 0, 0x14      /* device type; indicators: an IPL device, read-cacheable */
	.word 0, 0, boot - bootrom_start, 0, 0
maker:	.asciz "vmdeck"
name:	.asciz "the domain's kernel"
failed:	.asciz "The kernel could not be loaded.\r\n"
	.balign 4
read_table: /* select and read; what is behind the item's end reads as zeros */
	.byte 0x80, 0xf0, 0, 0x0a
	.byte 0, 0, TABLE_BYTES >> 8, 0
	.byte 0, 0, 0, 0, 0, 0, TABLE >> 8, 0

	/* --- real mode, CS the ROM's segment --- */
boot:	cli
	cld
	xorw %ax, %ax
	movw %ax, %ss
	movw $STACK, %sp
	movw %ax, %es
	movw %cs, %ax
	movw %ax, %ds
	movw $(read_table - bootrom_start), %si
	movw $DESC, %di
	movw $8, %cx
	rep movsw
	xorw %ax, %ax
	movw %ax, %ds
	movw $DESC, %si
	call dma
	movw $T_DESCS, %si
	movw T_N, %cx
1:	jcxz 2f
	call dma
	addw $16, %si
	decw %cx
	jmp 1b
2:	cmpl $0, T_MAP
	je 3f
	call map
3:	cmpw $0, T_MODE
	jne protected

	/* Linux, x86/boot.rst, "Running the Kernel" */
	movw T_SEG, %ax
	movw T_SP, %cx
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %fs
	movw %ax, %gs
	movw %ax, %ss
	movw %cx, %sp
	addw $0x20, %ax
	pushw %ax
	pushw $0
	lretw

	/* Carry out the descriptor at DS:SI, DS = 0. */
dma:	movw $FW_CFG_DMA, %dx
	xorl %eax, %eax
	outl %eax, %dx
	addw $4, %dx
	movw %si, %ax
	bswapl %eax
	outl %eax, %dx
	cmpl $0, (%si)
	jne fail
	ret

fail:	movw %cs, %ax
	movw %ax, %ds
	movw $(failed - bootrom_start), %si
4:	lodsb
	testb %al, %al
	jz 5f
	movb $0x0e, %ah
	movw $7, %bx
	int $0x10
	jmp 4b
5:	xorw %ax, %ax
	movw %ax, %ds
	int $0x18                /* SeaBIOS goes on with the next boot device */
	hlt
	jmp 5b

	/* The memory map: int 15h, E820h, an entry each. Its length, and what of it begins at 1 MiB. */
map:	movw T_MAP, %di
	xorl %ebx, %ebx
	xorw %si, %si            /* how many */
6:	movl $0xe820, %eax
	movl $20, %ecx
	movl $SMAP, %edx
	int $0x15
	jc 8f
	cmpl $SMAP, %eax
	jne 8f
	cmpl $0x100000, (%di)
	jne 7f
	cmpl $0, 4(%di)
	jne 7f
	movl 8(%di), %eax
	shrl $10, %eax
	movl T_UPPER, %edx
	testl %edx, %edx
	jz 7f
	movl %eax, (%edx)
7:	addw $MAP_STRIDE, %di
	incw %si
	testl %ebx, %ebx
	jz 8f
	cmpw $MAP_MAX, %si
	jb 6b
8:	movl $0, (%di)           /* multiboot 2: the end tag */
	movl $8, 4(%di)
	movzwl %si, %eax
	imull $MAP_STRIDE, %eax, %eax
	movl %eax, %ecx
	addl T_MAP_EXTRA, %ecx
	movl T_MAP_BYTES, %edx
	movl %ecx, (%edx)
	movl T_TOTAL, %edx
	testl %edx, %edx
	jz 9f
	addl T_TOTAL_EXTRA, %eax
	movl %eax, (%edx)
9:	ret

	/* Multiboot Specification 0.6.96, 3.2; 2.0, 3.3: flat segments, paging and interrupts off */
protected:
	cli
	xorl %eax, %eax
	movw %cs, %ax
	shll $4, %eax
	addl $(flat - bootrom_start), %eax
	movl %eax, FARPTR
	movw $8, FARPTR + 4
	lgdtl T_GDTR
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl *FARPTR
	.code32
flat:	movw $16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %fs
	movw %ax, %gs
	movw %ax, %ss
	movl $STACK, %esp
	movl T_EAX, %eax
	movl T_EBX, %ebx
	movl T_ESI, %esi
	jmp *T_EIP

	.balign 512
bootrom_end:

	.section .note.GNU-stack, "", @progbits
